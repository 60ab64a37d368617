{{- define "mqadmin.labels" -}}
app.kubernetes.io/name: mqadmin
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{/* A pod: `root`, `name`, `command` (a list), `memory`; `probes` and `ports` in YAML, `grace` in seconds. */}}
{{- define "mqadmin.pod" -}}
metadata:
  labels:
    {{- include "mqadmin.labels" . | nindent 4 }}
  annotations:
    checksum/config: {{ toYaml .root.Values.config | sha256sum }}
spec:
  {{- with .restart }}
  restartPolicy: {{ . }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .grace | default 20 }}
  automountServiceAccountToken: false
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: {{ .name }}
      image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      command: {{ toJson .command }}
      envFrom:
        - configMapRef:
            name: {{ .root.Release.Name }}-config
        - secretRef:
            name: {{ .root.Values.existingSecret }}
      {{- with .more }}
      {{- . | nindent 6 }}
      {{- end }}
      resources:
        requests:
          cpu: 50m
          memory: 128Mi
        limits:
          memory: {{ .memory }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: ["ALL"]
      volumeMounts:
        - name: var
          mountPath: /var/lib/mqadmin
        - name: tmp
          mountPath: /tmp
  volumes:
    - name: var
      emptyDir: {}
    - name: tmp
      emptyDir: {}
{{- end }}

{{- define "mqadmin.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .root.Release.Name }}-{{ .name }}
  labels:
    {{- include "mqadmin.labels" . | nindent 4 }}
spec:
  replicas: {{ .replicas }}
  {{- with .strategy }}
  strategy:
    type: {{ . }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "mqadmin.labels" . | nindent 6 }}
  template:
    {{- include "mqadmin.pod" . | nindent 4 }}
{{- end }}
