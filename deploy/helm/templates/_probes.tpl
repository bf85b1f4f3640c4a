{{/*
A process that waits for its database does not listen yet, and one whose database is away is not
ready; neither is restarted for it. Only one that does not answer at all is.
*/}}
{{- define "dither.probes" -}}
{{- $live := ternary "/health" "/live" (eq . "gateway") -}}
startupProbe: # an hour: a new pod would wait for the same database
  httpGet: { path: {{ $live }}, port: http }
  periodSeconds: 2
  timeoutSeconds: 4
  failureThreshold: 1800
readinessProbe:
  httpGet: { path: /health, port: http }
  periodSeconds: 5
  timeoutSeconds: 4
livenessProbe:
  httpGet: { path: {{ $live }}, port: http }
  periodSeconds: 10
  timeoutSeconds: 4
  failureThreshold: 6
{{- end }}
