"""Worker processes: work that could crash, hang or take all memory cannot harm the service.

A **nursery** process loads the code for the work once and forks workers from itself, which takes
milliseconds. A **pool** in the service sends each worker one job at a time over a socket. A worker
that dies or takes too long is replaced; only its own job notices.

Workers are given JSON and bytes and answer with JSON and bytes, never with pickles: a worker that a
hostile file has taken over can only give a wrong answer. They inherit no secret of the service.
"""
