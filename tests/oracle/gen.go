package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
)

// gen makes small random clusters that hit every filter, most of them near its edge.
type gen struct{ *rand.Rand }

type object = map[string]any

func (g gen) of(words ...string) string { return words[g.Intn(len(words))] }
func (g gen) chance(percent int) bool   { return g.Intn(100) < percent }

var (
	zones  = []string{"a", "b", "c"}
	apps   = []string{"web", "db", "gpu"}
	spaces = []string{"default", "red", "blue"}
)

func (g gen) cpu() string {
	return g.of("0", "100m", "250m", "1", "1500m", "2", "0.5", "1e0", "333.3m", "100u", "12e-1")
}
func (g gen) memory() string {
	return g.of("0", "64Mi", "1Gi", "1.5Gi", "500M", "1e9", "1G", "100k", "0.1", "1500m", "128974848", "1Ti")
}

func (g gen) node(i int) object {
	labels := object{"kubernetes.io/hostname": fmt.Sprintf("n%d", i)}
	if !g.chance(15) {
		labels["topology.kubernetes.io/zone"] = g.of(zones...)
	}
	if g.chance(60) {
		labels["rack"] = g.of("r1", "r2", "r3", "r4")
	}
	if g.chance(50) {
		labels["size"] = g.of("1", "5", "10", "x", "007")
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
		t := object{"key": g.of("gpu", "old", "node.kubernetes.io/unschedulable"), "effect": g.of("NoSchedule", "NoExecute", "PreferNoSchedule")}
		if g.chance(60) {
			t["value"] = g.of("yes", "no")
		}
		taints = append(taints, t)
	}
	spec["taints"] = taints
	alloc := object{"cpu": g.of("2", "4", "3500m", "8", "1"), "memory": g.of("2Gi", "4Gi", "3G", "1500Mi", "8Gi"), "pods": g.of("2", "4", "110")}
	if g.chance(50) {
		alloc["nvidia.com/gpu"] = g.of("1", "2", "8", "0")
	}
	if g.chance(30) {
		alloc["hugepages-2Mi"] = g.of("64Mi", "0")
	}
	if g.chance(50) {
		alloc["ephemeral-storage"] = g.of("10Gi", "1Gi")
	}
	return object{"apiVersion": "v1", "kind": "Node", "metadata": object{"name": fmt.Sprintf("n%d", i), "labels": labels}, "spec": spec,
		"status": object{g.of("allocatable", "allocatable", "allocatable", "capacity"): alloc}}
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
			p["hostIP"] = g.of("0.0.0.0", "::", "10.0.0.1", "10.0.0.2")
		}
		if g.chance(30) {
			p["protocol"] = g.of("TCP", "UDP")
		}
		c["ports"] = []object{p}
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
		if g.chance(25) {
			t["namespaces"] = []string{g.of(spaces...)}
		}
		if g.chance(25) {
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
			e["values"] = []string{g.of("4", "5", "x", "-3", "+1", "9")}
		}
		exprs = append(exprs, e)
	}
	if len(exprs) > 0 {
		t["matchExpressions"] = exprs
	}
	if g.chance(20) {
		t["matchFields"] = []object{{"key": "metadata.name", "operator": g.of("In", "NotIn"), "values": []string{fmt.Sprintf("n%d", g.Intn(6))}}}
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
			s["matchLabelKeys"] = []string{g.of("tier", "app", "none")}
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
			t["operator"] = g.of("Exists", "Equal")
		}
		if t["operator"] != "Exists" && g.chance(70) {
			t["value"] = g.of("yes", "no")
		}
		if g.chance(50) {
			t["effect"] = g.of("NoSchedule", "NoExecute")
		}
		out = append(out, t)
	}
	return out
}

func (g gen) volumes() []object {
	var out []object
	if g.chance(10) {
		out = append(out, object{"name": "c", "persistentVolumeClaim": object{"claimName": g.of("bound", "zonal", "single", "missing", "lost", "immediate")}})
	}
	for i, n := 0, g.Intn(4); n > 0 && g.chance(45) && i < n; i++ {
		out = append(out, object{"name": fmt.Sprintf("v%d", i), "persistentVolumeClaim": object{"claimName": g.of("disk-a", "disk-b", "disk-c", "disk-d", "nfs-a", "nfs-b", "immediate")}})
	}
	if g.chance(6) {
		out = append(out, object{"name": "d", "gcePersistentDisk": object{"pdName": "d1", "readOnly": g.chance(50)}})
	}
	if g.chance(5) {
		out = append(out, object{"name": "e", "rbd": object{"monitors": []string{g.of("m1", "m2"), "m3"}, "image": "i", "readOnly": g.chance(50)}})
	}
	if g.chance(5) {
		out = append(out, object{"name": "f", "iscsi": object{"targetPortal": "p", "iqn": "q", "lun": 0, "readOnly": g.chance(50)}})
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
	if g.chance(5) {
		spec["hostNetwork"] = true
	}
	return spec
}

func (g gen) pod(i, nodes int) object {
	meta := object{"name": fmt.Sprintf("p%d", i), "namespace": g.of(spaces...), "uid": fmt.Sprintf("u%d", i)}
	labels := object{}
	if g.chance(80) {
		labels["app"] = g.of(apps...)
	}
	if g.chance(40) {
		labels["tier"] = g.of("web", "db")
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

func claim(ns, name, volume, phase string, modes ...string) object {
	notes := object{}
	if volume != "" {
		notes["pv.kubernetes.io/bind-completed"] = "yes"
	}
	return object{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": object{"name": name, "namespace": ns, "annotations": notes},
		"spec": object{"volumeName": volume, "accessModes": modes, "storageClassName": "now"}, "status": object{"phase": phase}}
}

func (g gen) storage() []object {
	var out []object
	for _, ns := range spaces {
		out = append(out, claim(ns, "bound", "pv-rack", "Bound", "ReadWriteOnce"), claim(ns, "zonal", "pv-zone", "Bound", "ReadWriteMany"),
			claim(ns, "single", "pv-free", "Bound", "ReadWriteOncePod"), claim(ns, "lost", "pv-gone", "Lost", "ReadWriteOnce"),
			claim(ns, "immediate", "", "Pending", "ReadWriteOnce"))
	}
	pv := func(name string, labels, spec object) object {
		return object{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": object{"name": name, "labels": labels}, "spec": spec}
	}
	in := func(key string, values ...string) object {
		return object{"nodeAffinity": object{"required": object{"nodeSelectorTerms": []object{{"matchExpressions": []object{{"key": key, "operator": "In", "values": values}}}}}}}
	}
	csi := func(driver, handle string) object { return object{"csi": object{"driver": driver, "volumeHandle": handle}} }
	for i, ns := range spaces {
		for _, d := range []string{"disk-a", "disk-b", "disk-c", "disk-d", "nfs-a", "nfs-b"} {
			out = append(out, claim(ns, d, fmt.Sprintf("pv-%s-%d", d, i), "Bound", "ReadWriteMany"),
				pv(fmt.Sprintf("pv-%s-%d", d, i), object{}, csi(d[:len(d)-2]+".example", g.of("h1", "h2", "h3", fmt.Sprintf("own-%s-%d", d, i)))))
		}
	}
	out = append(out, g.attached()...)
	return append(out, pv("pv-rack", object{}, in("rack", "r1", "r2")), pv("pv-zone", object{"topology.kubernetes.io/zone": "a__b"}, object{}), pv("pv-free", object{}, object{}),
		object{"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": object{"name": "now"}, "provisioner": "x", "volumeBindingMode": "Immediate"})
}

// Limits of some nodes, and volumes that are attached whether a pod uses them or not.
func (g gen) attached() []object {
	var out []object
	for n := 0; n < 8; n++ {
		drivers := []object{}
		for _, d := range []string{"disk.example", "nfs.example", "x"} {
			driver := object{"name": d, "nodeID": "i"}
			if g.chance(70) {
				driver["allocatable"] = object{"count": g.Intn(4)}
			} else if g.chance(30) {
				driver["allocatable"] = object{}
			}
			if g.chance(80) {
				drivers = append(drivers, driver)
			}
		}
		if g.chance(60) {
			out = append(out, object{"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": object{"name": fmt.Sprintf("n%d", n)}, "spec": object{"drivers": drivers}})
		}
		for i, k := 0, g.Intn(3); g.chance(30) && i < k; i++ {
			source := object{}
			if g.chance(90) {
				source["persistentVolumeName"] = g.of("pv-disk-a-0", "pv-disk-b-1", "pv-nfs-a-2", "pv-disk-c-0", "pv-free", "pv-none")
			}
			out = append(out, object{"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": object{"name": fmt.Sprintf("va-%d-%d", n, i)},
				"spec": object{"attacher": g.of("disk.example", "disk.example", "nfs.example"), "nodeName": fmt.Sprintf("n%d", n), "source": source}})
		}
	}
	return out
}

func generate(seed int64, lists int, out io.Writer) error {
	g := gen{rand.New(rand.NewSource(seed))}
	enc := json.NewEncoder(out)
	for l := 0; l < lists; l++ {
		nodes := 2 + g.Intn(7)
		items := g.storage()
		for i := 0; i < nodes; i++ {
			items = append(items, g.node(i))
		}
		for i, n := 0, 6+g.Intn(14); i < n; i++ {
			items = append(items, g.pod(i, nodes))
		}
		for i, ns := range spaces {
			items = append(items, object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": ns, "labels": object{"team": []string{"x", "y", "z"}[i]}}})
		}
		if err := enc.Encode(object{"apiVersion": "v1", "kind": "List", "items": items}); err != nil {
			return err
		}
	}
	return nil
}
