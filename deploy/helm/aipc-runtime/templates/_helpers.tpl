{{- define "aipc.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The release's name when it says what it is, else release and chart. Room is left for "-controller". */}}
{{- define "aipc.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "aipc.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "aipc.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* The three below take (dict "top" $ "role" "scheduler"); role may be left out of labels. */}}
{{- define "aipc.select" -}}
app.kubernetes.io/name: {{ include "aipc.name" .top }}
app.kubernetes.io/instance: {{ .top.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "aipc.labels" -}}
{{- if .role }}
{{- include "aipc.select" . }}
{{- else -}}
app.kubernetes.io/name: {{ include "aipc.name" .top }}
app.kubernetes.io/instance: {{ .top.Release.Name }}
{{- end }}
app.kubernetes.io/version: {{ .top.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: aipc
app.kubernetes.io/managed-by: {{ .top.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .top.Chart.Name .top.Chart.Version | replace "+" "_" }}
{{- with .top.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "aipc.account" -}}
{{- $own := printf "%s-%s" (include "aipc.fullname" .top) .role }}
{{- $account := (index .top.Values .role).serviceAccount }}
{{- if $account.create }}{{ default $own $account.name }}{{ else }}{{ default "default" $account.name }}{{ end }}
{{- end }}

{{- define "aipc.image" -}}
{{- $i := .Values.image }}
{{- if $i.digest }}{{ $i.repository }}@{{ $i.digest }}{{ else }}{{ $i.repository }}:{{ default .Chart.AppVersion $i.tag }}{{ end }}
{{- end }}
