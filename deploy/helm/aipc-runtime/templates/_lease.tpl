{{- /* One of a role's processes leads: its own Lease, in its own namespace, and no other. "create" cannot be bound to a name. */}}
{{- define "aipc.lease" }}
{{- $name := printf "%s-%s" (include "aipc.fullname" .top) .role }}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  namespace: {{ .top.Release.Namespace }}
  labels:
    {{- include "aipc.labels" . | nindent 4 }}
rules:
  # Which of the replicas leads. The server cannot bind create to a name.
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    verbs: [create]
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    resourceNames: [{{ (index .top.Values .role).lease }}]
    verbs: [get, update]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  namespace: {{ .top.Release.Namespace }}
  labels:
    {{- include "aipc.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "aipc.account" . }}
    namespace: {{ .top.Release.Namespace }}
{{- end }}
