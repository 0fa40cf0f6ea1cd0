{{- define "besteffort.name" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "besteffort.selector" -}}
app.kubernetes.io/name: besteffort-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "besteffort.labels" -}}
{{ include "besteffort.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: besteffort
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* metadata of an object of the release's namespace; cluster-wide ones use besteffort.clusterMetadata */}}
{{- define "besteffort.metadata" -}}
name: {{ include "besteffort.name" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "besteffort.labels" . | nindent 2 }}
{{- end -}}

{{/* two releases of one name in two namespaces do not meet */}}
{{- define "besteffort.clusterName" -}}
{{- if eq .Release.Namespace (include "besteffort.name" .) -}}
{{ .Release.Namespace }}
{{- else -}}
{{ .Release.Namespace }}-{{ include "besteffort.name" . }}
{{- end -}}
{{- end -}}

{{- define "besteffort.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "besteffort.name" .) }}
{{- else -}}
{{ required "serviceAccount.create is false: serviceAccount.name must name an existing one" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{/* of a dict with image and version */}}
{{- define "besteffort.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .version }}
{{- end -}}
{{- end -}}

{{- define "besteffort.webhookSecret" -}}
{{ include "besteffort.name" . }}-webhook
{{- end -}}
