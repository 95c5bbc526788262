{{- define "kairos.name" -}}
{{- printf "%s" .Release.Name | trunc 32 | trimSuffix "-" -}}
{{- end }}

{{- define "kairos.labels" -}}
{{ include "kairos.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "kairos.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "kairos.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "kairos.pod" -}}
automountServiceAccountToken: false
serviceAccountName: {{ include "kairos.name" . | quote }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "kairos.container" -}}
image: {{ include "kairos.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - configMapRef: {name: {{ include "kairos.name" . | quote }}}
{{- end }}

{{- define "kairos.secrets" -}}
{{- range list "KAIROS_DATABASE_URL" "KAIROS_ONLINE_STORE" "KAIROS_MLFLOW_URI" }}
- name: {{ . }}
  valueFrom:
    secretKeyRef: {name: {{ $.Values.secretName | quote }}, key: {{ . }}}
{{- end }}
{{- range list "KAIROS_FEAST_REGISTRY" "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" "AWS_SESSION_TOKEN" }}
- name: {{ . }}
  valueFrom:
    secretKeyRef: {name: {{ $.Values.secretName | quote }}, key: {{ . }}, optional: true}
{{- end }}
{{- end }}

{{- define "kairos.mounts" -}}
- {name: data, mountPath: /data}
- {name: scratch, mountPath: /tmp}
- {name: secret, mountPath: /secret, readOnly: true}
{{- end }}

{{- define "kairos.volumes" -}}
- name: data
  persistentVolumeClaim:
    claimName: {{ .Values.data.existingClaim | default (printf "%s-data" (include "kairos.name" .)) | quote }}
- name: scratch
  emptyDir: {}
- name: secret
  secret:
    secretName: {{ .Values.secretName | quote }}
    items: [{key: privacy.key, path: privacy.key}]
{{- end }}
