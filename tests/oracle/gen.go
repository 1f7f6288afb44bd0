package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"strconv"
)

// gen makes small random clusters that hit every filter, most of them near its edge. Of a crowd many pods share one namespace and few
// nodes, so that what counts neighbours has some to count. Where all is fine, nodes hold a few of amounts that must be rounded.
type gen struct {
	*rand.Rand
	crowd, fine bool
}

type object = map[string]any

func (g gen) of(words ...string) string { return words[g.Intn(len(words))] }
func (g gen) chance(percent int) bool   { return g.Intn(100) < percent }

var (
	zones  = []string{"a", "b", "c"}
	apps   = []string{"web", "db", "gpu"}
	spaces = []string{"default", "red", "blue"}
)

// A quantity as text, or as the number that people write in its place.
func (g gen) amount(text string) any {
	if f, err := strconv.ParseFloat(text, 64); err == nil && g.chance(30) {
		return f
	}
	return text
}
func (g gen) cpu() any {
	if g.fine {
		return g.amount(g.of("333.3m", "100u", "1n", "0.0007", "1m", "334m", "0.3333"))
	}
	return g.amount(g.of("0", "100m", "250m", "1", "1500m", "2", "0.5", "1e0", "333.3m", "100u", "12e-1", "0.1", "0.3", "1.1", "1n", ".7", "1."))
}
func (g gen) memory() any {
	if g.fine {
		return g.amount(g.of("33.3333", "33.3334", "0.1", "1n", "1", "33500m"))
	}
	return g.amount(g.of("0", "64Mi", "1Gi", "1.5Gi", "500M", "1e9", "1G", "100k", "0.1", "1500m", "128974848", "1Ti", "3Ki", "2E", "0.5Gi", "1E9", "1e3k"[:3]))
}

func (g gen) some(words ...string) []string {
	out := []string{}
	for _, w := range words {
		if g.chance(50) {
			out = append(out, w)
		}
	}
	return out
}

func (g gen) node(i int) object {
	labels := object{"kubernetes.io/hostname": fmt.Sprintf("n%d", i)}
	if !g.chance(15) {
		labels["topology.kubernetes.io/zone"] = g.of(zones...)
	}
	if g.chance(60) {
		labels["rack"] = g.of("r1", "r2", "r3", "r4")
	}
	if g.chance(20) {
		labels["topology.kubernetes.io/region"] = g.of("west", "east")
	}
	if g.chance(15) {
		labels["failure-domain.beta.kubernetes.io/zone"] = g.of(zones...)
	}
	if g.chance(50) {
		labels["size"] = g.of("1", "5", "10", "x", "007", "-3", "9223372036854775807", "9223372036854775808")
	}
	if g.chance(50) {
		labels["disk"] = g.of("ssd", "hdd", "")
	}
	spec := object{}
	if g.chance(12) {
		spec["unschedulable"] = true
	}
	var taints []object
	for g.chance(25) {
		t := object{"key": g.of("gpu", "old", "node.kubernetes.io/unschedulable"), "effect": g.of("NoSchedule", "NoExecute", "PreferNoSchedule", "NoSchedule")}
		if g.chance(60) {
			t["value"] = g.of("yes", "no", "5", "")
		}
		taints = append(taints, t)
	}
	spec["taints"] = taints
	alloc := object{"cpu": g.of("2", "4", "3500m", "8", "1"), "memory": g.of("2Gi", "4Gi", "3G", "1500Mi", "8Gi"), "pods": g.of("2", "4", "110")}
	if g.fine {
		alloc["cpu"] = g.of("1m", "2m", "3m", "334m", "667m", "668m", "1", "1001m", "1.0019")
		alloc["memory"] = g.of("1", "2", "34", "67", "100", "101", "100.5")
	}
	if g.chance(50) {
		alloc["nvidia.com/gpu"] = g.of("1", "2", "8", "0")
	}
	if g.chance(30) {
		alloc["hugepages-2Mi"] = g.of("64Mi", "0")
	}
	if g.chance(50) {
		alloc["ephemeral-storage"] = g.of("10Gi", "1Gi")
	}
	if g.chance(25) {
		alloc[g.of("kubernetes.io/batch-cpu", "example.com/link", "attachable-volumes-x", "requests.example.com/odd", "hugepages-1Gi", "storage")] = g.of("1", "2Gi", "100k")
	}
	if g.chance(5) {
		delete(alloc, g.of("cpu", "memory", "pods"))
	}
	status := object{g.of("allocatable", "allocatable", "allocatable", "capacity"): alloc}
	if g.chance(60) {
		status["declaredFeatures"] = g.some("RestartAllContainersOnContainerExits", "UserNamespacesHostNetworkSupport", "ExtendWebSocketsToKubelet", "Other")
	}
	return object{"apiVersion": "v1", "kind": "Node", "metadata": object{"name": fmt.Sprintf("n%d", i), "labels": labels}, "spec": spec, "status": status}
}

func (g gen) requests() object {
	r := object{}
	if g.chance(70) {
		r["cpu"] = g.cpu()
	}
	if g.chance(60) {
		r["memory"] = g.memory()
	}
	if g.chance(15) {
		r["nvidia.com/gpu"] = g.of("1", "2", "0")
	}
	if g.chance(8) {
		r["hugepages-2Mi"] = g.of("2Mi", "64Mi")
	}
	if g.chance(15) {
		r["ephemeral-storage"] = g.of("1Gi", "5Gi", "1")
	}
	if g.chance(6) {
		r[g.of("kubernetes.io/batch-cpu", "example.com/link", "attachable-volumes-x", "requests.example.com/odd", "hugepages-1Gi", "storage", "pods")] = g.of("1", "2Gi", "0")
	}
	return r
}

func (g gen) container(name string) object {
	res := object{"requests": g.requests()}
	if g.chance(25) {
		res["limits"] = g.requests()
	}
	c := object{"name": name, "image": "x", "resources": res}
	if g.chance(12) {
		p := object{"containerPort": 80 + g.Intn(2)}
		if g.chance(70) {
			p["hostPort"] = 80 + g.Intn(2)
		}
		if g.chance(40) {
			p["hostIP"] = g.of("0.0.0.0", "::", "10.0.0.1", "10.0.0.2", "")
		}
		if g.chance(30) {
			p["protocol"] = g.of("TCP", "UDP", "SCTP")
		}
		c["ports"] = []object{p}
		if g.chance(20) {
			c["ports"] = []object{{"containerPort": 80}, p}
		}
	}
	if g.chance(3) {
		c["restartPolicy"] = "Never"
		c["restartPolicyRules"] = []object{{"action": g.of("Restart", "RestartAllContainers"), "exitCodes": object{"operator": "In", "values": []int{42}}}}
	}
	return c
}

func (g gen) labelSelector() any {
	switch g.Intn(6) {
	case 0:
		return nil
	case 1:
		return object{}
	case 2:
		return object{"matchLabels": object{"app": g.of(apps...)}}
	default:
		op := g.of("In", "NotIn", "Exists", "DoesNotExist")
		e := object{"key": g.of("app", "tier"), "operator": op}
		if op == "In" || op == "NotIn" {
			e["values"] = []string{g.of(apps...), g.of(apps...)}
		}
		return object{"matchExpressions": []object{e}}
	}
}

func (g gen) key() string {
	return g.of("topology.kubernetes.io/zone", "rack", "kubernetes.io/hostname", "disk")
}

func (g gen) podTerms() object {
	var terms []object
	for i := 0; i <= g.Intn(2); i++ {
		t := object{"topologyKey": g.key(), "labelSelector": g.labelSelector()}
		if g.chance(20) {
			t[g.of("matchLabelKeys", "mismatchLabelKeys")] = []string{g.of("rev", "none")}
		}
		if g.chance(25) {
			t["namespaces"] = []string{g.of(spaces...)}
		}
		if g.chance(5) {
			t["namespaceSelector"] = nil
		} else if g.chance(25) {
			t["namespaceSelector"] = g.of2(object{}, object{"matchLabels": object{"team": g.of("x", "y")}},
				object{"matchExpressions": []object{{"key": "team", "operator": "NotIn", "values": []string{"x"}}}})
		}
		terms = append(terms, t)
	}
	return object{"requiredDuringSchedulingIgnoredDuringExecution": terms}
}

func (g gen) of2(o ...object) object { return o[g.Intn(len(o))] }

func (g gen) nodeTerm() object {
	t := object{}
	var exprs []object
	for g.chance(60) {
		op := g.of("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
		e := object{"key": g.of("topology.kubernetes.io/zone", "size", "disk", "bad key!"[:3+g.Intn(6)]), "operator": op}
		switch op {
		case "In", "NotIn":
			e["values"] = []string{g.of("a", "b", "ssd", "", "5", "-"), g.of("c", "hdd")}
		case "Gt", "Lt":
			e["values"] = []string{g.of("4", "5", "x", "-3", "+1", "9", "007", "9223372036854775806", "9223372036854775808")}
			if g.chance(5) {
				e["values"] = []string{"1", "2"}
			}
		}
		exprs = append(exprs, e)
	}
	if len(exprs) > 0 {
		t["matchExpressions"] = exprs
	}
	if g.chance(20) {
		t["matchFields"] = []object{{"key": "metadata.name", "operator": g.of("In", "NotIn"), "values": []string{fmt.Sprintf("n%d", g.Intn(6))}}}
		if g.chance(20) {
			t["matchFields"] = append(t["matchFields"].([]object), object{"key": "metadata.name", "operator": g.of("In", "NotIn"), "values": []string{fmt.Sprintf("n%d", g.Intn(6))}})
		}
	}
	return t
}

func (g gen) affinity() object {
	a := object{}
	if g.chance(25) {
		var terms []object
		for i := 0; i <= g.Intn(3); i++ {
			terms = append(terms, g.nodeTerm())
		}
		a["nodeAffinity"] = object{"requiredDuringSchedulingIgnoredDuringExecution": object{"nodeSelectorTerms": terms}}
	}
	if g.chance(18) {
		a["podAffinity"] = g.podTerms()
	}
	if g.chance(18) {
		a["podAntiAffinity"] = g.podTerms()
	}
	return a
}

func (g gen) spreads() []object {
	var out []object
	for g.chance(18) {
		s := object{"maxSkew": 1 + g.Intn(2), "topologyKey": g.key(), "whenUnsatisfiable": g.of("DoNotSchedule", "DoNotSchedule", "ScheduleAnyway"),
			"labelSelector": g.labelSelector()}
		if g.chance(30) {
			s["minDomains"] = 1 + g.Intn(4)
		}
		if g.chance(40) {
			s["nodeAffinityPolicy"] = g.of("Honor", "Ignore")
		}
		if g.chance(40) {
			s["nodeTaintsPolicy"] = g.of("Honor", "Ignore")
		}
		if g.chance(30) {
			s["matchLabelKeys"] = g.some("tier", "app", "none", "rev")
		}
		out = append(out, s)
	}
	return out
}

func (g gen) tolerations() []object {
	var out []object
	for g.chance(40) {
		t := object{}
		if g.chance(85) {
			t["key"] = g.of("gpu", "old", "node.kubernetes.io/unschedulable")
		}
		if g.chance(70) || t["key"] == nil {
			t["operator"] = g.of("Exists", "Equal", "Exists", "Equal", "Gt", "Lt", "")
		}
		if t["operator"] != "Exists" && g.chance(70) {
			t["value"] = g.of("yes", "no", "4")
		}
		if g.chance(50) {
			t["effect"] = g.of("NoSchedule", "NoExecute", "PreferNoSchedule", "")
		}
		if g.chance(10) {
			t["tolerationSeconds"] = 300
		}
		out = append(out, t)
	}
	return out
}

func (g gen) status(spec object) object {
	var statuses []object
	for _, c := range spec["containers"].([]object) {
		s := object{"name": c["name"], "allocatedResources": g.requests()}
		if g.chance(80) {
			s["resources"] = object{"requests": g.requests()}
		}
		statuses = append(statuses, s)
	}
	out := object{"phase": g.of("Running", "Pending", "Running", "Succeeded"), "containerStatuses": statuses}
	if g.chance(40) {
		out["conditions"] = []object{{"type": "PodResizePending", "status": "True", "reason": g.of("Infeasible", "Deferred")}}
	}
	if g.chance(30) {
		out["resources"] = object{"requests": object{"cpu": g.cpu(), "memory": g.memory()}}
		out["allocatedResources"] = object{"cpu": g.cpu()}
	}
	if inits, _ := spec["initContainers"].([]object); g.chance(30) {
		var s []object
		for _, c := range inits {
			s = append(s, object{"name": c["name"], "allocatedResources": g.requests(), "resources": object{"requests": g.requests(), "limits": g.requests()}})
		}
		out["initContainerStatuses"] = s
	}
	return out
}

func (g gen) spec() object {
	spec := object{"containers": []object{g.container("a")}, "affinity": g.affinity(), "topologySpreadConstraints": g.spreads(),
		"tolerations": g.tolerations(), "volumes": g.volumes()}
	if g.chance(40) {
		spec["containers"] = append(spec["containers"].([]object), g.container("b"))
	}
	var inits []object
	for g.chance(30) {
		c := g.container(fmt.Sprintf("i%d", len(inits)))
		if g.chance(50) {
			c["restartPolicy"] = "Always"
		}
		inits = append(inits, c)
	}
	spec["initContainers"] = inits
	if g.chance(12) {
		spec["overhead"] = object{"cpu": g.cpu(), "memory": "10Mi"}
		if g.fine {
			spec["overhead"].(object)["memory"] = g.memory()
		}
		if g.chance(20) {
			spec["overhead"].(object)[g.of("nvidia.com/gpu", "hugepages-2Mi", "ephemeral-storage")] = "1"
		}
	}
	if g.chance(20) {
		spec["resources"] = object{"requests": object{"cpu": g.cpu()}}
		if g.chance(60) {
			spec["resources"].(object)["limits"] = object{"memory": g.memory(), "cpu": "2"}
		}
	}
	if g.chance(15) {
		spec["nodeSelector"] = object{g.of("disk", "topology.kubernetes.io/zone"): g.of("ssd", "a", "")}
	}
	if g.chance(8) {
		spec["hostNetwork"] = true
		if g.chance(30) {
			spec["hostUsers"] = g.chance(30)
		}
	}
	return spec
}

func (g gen) pod(i, nodes int) object {
	meta := object{"name": fmt.Sprintf("p%d", i), "namespace": g.of(spaces...), "uid": fmt.Sprintf("u%d", i)}
	if g.crowd {
		meta["namespace"] = spaces[0]
	}
	labels := object{}
	if g.chance(80) {
		labels["app"] = g.of(apps...)
	}
	if g.chance(40) {
		labels["tier"] = g.of("web", "db", "")
	}
	if g.chance(50) {
		labels["rev"] = g.of("1", "2")
	}
	meta["labels"] = labels
	spec := g.spec()
	pod := object{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
	if g.chance(60) {
		spec["nodeName"] = fmt.Sprintf("n%d", g.Intn(nodes))
		if g.chance(10) {
			meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
			meta["finalizers"] = []string{"x/y"}
		}
		if g.chance(30) {
			pod["status"] = g.status(spec)
		}
	} else if g.chance(3) {
		spec["schedulingGates"] = []object{{"name": "wait"}}
	}
	return pod
}

// list is one cluster.
func (g gen) list() object {
	g.crowd, g.fine = g.chance(30), g.chance(15)
	nodes, pods := 2+g.Intn(7), 6+g.Intn(14)
	if g.crowd {
		nodes, pods = 4+g.Intn(16), 20+g.Intn(40)
	}
	items := g.storage()
	for i := 0; i < nodes; i++ {
		items = append(items, g.node(i))
	}
	for i := 0; i < pods; i++ {
		p := g.pod(i, nodes)
		items = append(items, p)
		items = append(items, g.ownClaims(p)...)
	}
	for i, ns := range spaces {
		items = append(items, object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": ns, "labels": object{"team": []string{"x", "y", "z"}[i]}}})
	}
	return object{"apiVersion": "v1", "kind": "List", "items": items}
}

func generate(seed int64, lists int, out io.Writer) error {
	g := gen{Rand: rand.New(rand.NewSource(seed))}
	enc := json.NewEncoder(out)
	for l := 0; l < lists; l++ {
		if err := enc.Encode(g.list()); err != nil {
			return err
		}
	}
	return nil
}
