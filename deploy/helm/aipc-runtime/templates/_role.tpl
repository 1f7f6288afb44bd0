{{- /* Everything of one role but what it may do: (dict "top" $ "role" "scheduler" "args" (list ...)). */}}
{{- define "aipc.role" -}}
{{- $top := .top }}
{{- $v := index .top.Values .role }}
{{- $name := printf "%s-%s" (include "aipc.fullname" .top) .role }}
{{- if $v.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "aipc.account" . }}
  namespace: {{ $top.Release.Namespace }}
  labels:
    {{- include "aipc.labels" . | nindent 4 }}
  {{- with $v.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
---
{{- end }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ $top.Release.Namespace }}
  labels:
    {{- include "aipc.labels" . | nindent 4 }}
spec:
  replicas: {{ $v.replicas }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 1
      maxSurge: 1
  selector:
    matchLabels:
      {{- include "aipc.select" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "aipc.labels" . | nindent 8 }}
        {{- with $v.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .role }}
        {{- with $v.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "aipc.account" . }}
      automountServiceAccountToken: true
      # 10 s to finish what is half done, 4 s to give the lease back and send the last events.
      terminationGracePeriodSeconds: 30
      {{- with $v.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with $top.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: {{ .role }}
          image: {{ include "aipc.image" $top | quote }}
          imagePullPolicy: {{ $top.Values.image.pullPolicy }}
          args:
            - {{ .role }}
            {{- range concat .args (list (printf "--lease=%s" $v.lease) (printf "--listen=:%d" (int $top.Values.port)) (printf "--log=%s" $top.Values.log.level)) }}
            - {{ . | quote }}
            {{- end }}
            {{- if $top.Values.log.json }}
            - "--log-json"
            {{- end }}
            {{- range $v.extraArgs }}
            - {{ . | quote }}
            {{- end }}
          ports:
            - name: metrics
              containerPort: {{ $top.Values.port }}
              protocol: TCP
          # The loop turns; no answer at all means that it hangs.
          livenessProbe:
            httpGet:
              path: /healthz
              port: metrics
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          # The caches hold what the server has; true of a follower too.
          readinessProbe:
            httpGet:
              path: /readyz
              port: metrics
            periodSeconds: 5
            timeoutSeconds: 5
            failureThreshold: 3
          {{- with $v.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          securityContext:
            allowPrivilegeEscalation: false
            privileged: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
      {{- with $v.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      affinity:
        {{- if $v.affinity }}
        {{- toYaml $v.affinity | nindent 8 }}
        {{- else }}
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchLabels:
                    {{- include "aipc.select" . | nindent 20 }}
        {{- end }}
      {{- with $v.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- if $v.podDisruptionBudget.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  namespace: {{ $top.Release.Namespace }}
  labels:
    {{- include "aipc.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ $v.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "aipc.select" . | nindent 6 }}
{{- end }}
{{- if $top.Values.service.enabled }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ $top.Release.Namespace }}
  labels:
    {{- include "aipc.labels" . | nindent 4 }}
  {{- with $top.Values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  clusterIP: None
  # Metrics of a pod that is not ready yet say why.
  publishNotReadyAddresses: true
  selector:
    {{- include "aipc.select" . | nindent 4 }}
  ports:
    - name: metrics
      port: {{ $top.Values.port }}
      targetPort: metrics
      protocol: TCP
{{- end }}
{{- if $top.Values.serviceMonitor.enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ $name }}
  namespace: {{ $top.Release.Namespace }}
  labels:
    {{- include "aipc.labels" . | nindent 4 }}
    {{- with $top.Values.serviceMonitor.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      {{- include "aipc.select" . | nindent 6 }}
  namespaceSelector:
    matchNames:
      - {{ $top.Release.Namespace }}
  endpoints:
    - port: metrics
      interval: {{ $top.Values.serviceMonitor.interval }}
      scrapeTimeout: {{ $top.Values.serviceMonitor.scrapeTimeout }}
{{- end }}
{{- if $top.Values.networkPolicy.enabled }}
{{- $np := $top.Values.networkPolicy }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $name }}
  namespace: {{ $top.Release.Namespace }}
  labels:
    {{- include "aipc.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "aipc.select" . | nindent 6 }}
  policyTypes:
    - Ingress
    - Egress
  ingress:
    - ports:
        - port: metrics
          protocol: TCP
      {{- with $np.from }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  egress:
    - ports:
        - port: 53
          protocol: UDP
        - port: 53
          protocol: TCP
    - ports:
        {{- range $np.apiServer.ports }}
        - port: {{ . }}
          protocol: TCP
        {{- end }}
      {{- with $np.apiServer.to }}
      to:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}
{{- end }}
