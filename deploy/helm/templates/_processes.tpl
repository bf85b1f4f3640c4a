{{/*
The processes, with the keys of the secret that each may read ("?" at the end: it may be missing).
*/}}
{{- define "dither.processes" -}}
gateway:
  module: api_gateway.main
  port: 8000
  secrets:
    PRINCIPAL_SECRET: PRINCIPAL_SECRET
    GATEWAY_API_KEYS: GATEWAY_API_KEYS?
upload:
  module: upload_service.main
  port: 8001
  callers: [gateway, dither, notification]
  consumes: [dither]
  secrets: {{- include "dither.serviceSecrets" "UPLOAD" | nindent 4 }}
dither:
  module: dither_service.main
  port: 8002
  callers: [gateway]
  consumes: [image, dither]
  secrets: {{- include "dither.serviceSecrets" "DITHER" | nindent 4 }}
notification:
  module: notification_service.main
  port: 8003
  callers: [gateway]
  consumes: [image, dither]
  secrets: {{- include "dither.serviceSecrets" "NOTIFICATION" | nindent 4 }}
    SMTP_PASSWORD: SMTP_PASSWORD?
    MAIL_SECRET: MAIL_SECRET
{{- end }}

{{- define "dither.serviceSecrets" -}}
PRINCIPAL_SECRET: PRINCIPAL_SECRET
POSTGRES_PASSWORD: {{ . }}_POSTGRES_PASSWORD
DATABASE_URL: {{ . }}_DATABASE_URL?
{{ include "dither.kafkaSecrets" . }}
CLOUDINARY_API_SECRET: CLOUDINARY_API_SECRET?
{{- end }}

{{- define "dither.kafkaSecrets" -}}
KAFKA_SASL_PASSWORD: KAFKA_SASL_PASSWORD?
{{- end }}

{{- define "dither.migrationSecrets" -}}
POSTGRES_PASSWORD: POSTGRES_PASSWORD
DATABASE_URL: DATABASE_URL?
UPLOAD_POSTGRES_PASSWORD: UPLOAD_POSTGRES_PASSWORD
DITHER_POSTGRES_PASSWORD: DITHER_POSTGRES_PASSWORD
NOTIFICATION_POSTGRES_PASSWORD: NOTIFICATION_POSTGRES_PASSWORD
{{- end }}
