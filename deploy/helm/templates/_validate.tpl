{{/* What a schema cannot say. Each sentence names what is wrong and what to set. */}}
{{- define "dither.validate" -}}
{{- $set := .Values.settings }}
{{- if not (or .Values.files.claim $set.STORAGE $set.CLOUDINARY_CLOUD_NAME) }}
{{- fail "Pods share no disk: set settings.STORAGE or settings.CLOUDINARY_CLOUD_NAME, or files.claim to a ReadWriteMany volume." }}
{{- end }}
{{- if not (or .Values.files.claim $set.SMTP_HOST) }}
{{- fail "Mails need a server: set settings.SMTP_HOST (or files.claim, where they are then written to as files)." }}
{{- end }}
{{- if and (or .Values.ingress.enabled .Values.httpRoute.enabled .Values.edge.enabled) (not $set.GATEWAY_TRUSTED_PROXIES) }}
{{- fail "Set settings.GATEWAY_TRUSTED_PROXIES to the network of the pods: otherwise all clients share one rate limit." }}
{{- end }}
{{- end }}
