package main

import "fmt"

func (g gen) volumes() []object {
	var out []object
	if g.chance(10) {
		out = append(out, object{"name": "c", "persistentVolumeClaim": object{"claimName": g.of("bound", "zonal", "single", "missing", "lost", "immediate", "beta", "region", "fields", "going")}})
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
	for i := 0; g.chance(6) && i < 2; i++ {
		out = append(out, object{"name": g.of("own", "odd"), "ephemeral": object{"volumeClaimTemplate": object{"spec": object{"storageClassName": "now"}}}})
	}
	if g.chance(3) {
		out = append(out, object{"name": "w", "awsElasticBlockStore": object{"volumeID": g.of("vol-1", "vol-2"), "readOnly": g.chance(50)}})
	}
	return out
}

// The claims of a pod's ephemeral volumes, most of them made for it.
func (g gen) ownClaims(pod object) []object {
	var out []object
	meta := pod["metadata"].(object)
	volumes, _ := pod["spec"].(object)["volumes"].([]object)
	seen := map[any]bool{}
	for _, v := range volumes {
		if v["ephemeral"] == nil || seen[v["name"]] || g.chance(10) {
			continue
		}
		seen[v["name"]] = true
		c := claim(meta["namespace"].(string), fmt.Sprint(meta["name"], "-", v["name"]), g.of("pv-free", "pv-zone", "pv-rack", "pv-region", "pv-disk-a-0"), "Bound", "ReadWriteOnce")
		runs := pod["spec"].(object)["nodeName"] != nil // then upstream gives up on its node where limits are counted
		if uid := g.of(meta["uid"].(string), meta["uid"].(string), "other"); runs || g.chance(90) {
			if runs {
				uid = meta["uid"].(string)
			}
			c["metadata"].(object)["ownerReferences"] = []object{{"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": uid, "controller": runs || g.chance(95)}}
		}
		out = append(out, c)
	}
	return out
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
			claim(ns, "immediate", "", "Pending", "ReadWriteOnce"), claim(ns, "beta", "pv-beta", "Bound", "ReadWriteOnce"),
			claim(ns, "region", "pv-region", "Bound", "ReadWriteOnce"), claim(ns, "fields", "pv-fields", "Bound", "ReadWriteOnce"))
		going := claim(ns, "going", "pv-free", "Bound", "ReadWriteOnce")
		going["metadata"].(object)["deletionTimestamp"] = "2026-01-01T00:00:00Z"
		going["metadata"].(object)["finalizers"] = []string{"x/y"}
		out = append(out, going)
	}
	pv := func(name string, labels, spec object) object {
		return object{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": object{"name": name, "labels": labels}, "spec": spec}
	}
	in := func(key string, values ...string) object {
		return object{"nodeAffinity": object{"required": object{"nodeSelectorTerms": []object{{"matchExpressions": []object{{"key": key, "operator": "In", "values": values}}}}}}}
	}
	csi := func(driver, handle string) object {
		return object{"csi": object{"driver": driver, "volumeHandle": handle}}
	}
	for i, ns := range spaces {
		for _, d := range []string{"disk-a", "disk-b", "disk-c", "disk-d", "nfs-a", "nfs-b"} {
			out = append(out, claim(ns, d, fmt.Sprintf("pv-%s-%d", d, i), "Bound", "ReadWriteMany"),
				pv(fmt.Sprintf("pv-%s-%d", d, i), object{}, csi(d[:len(d)-2]+".example", g.of("h1", "h2", "h3", fmt.Sprintf("own-%s-%d", d, i)))))
		}
	}
	out = append(out, g.attached()...)
	fields := object{"nodeAffinity": object{"required": object{"nodeSelectorTerms": []object{{"matchFields": []object{{"key": "metadata.name", "operator": "In", "values": []string{"n1"}}}},
		{"matchExpressions": []object{{"key": "rack", "operator": "NotIn", "values": []string{"r1"}}, {"key": "size", "operator": "Gt", "values": []string{"4"}}}}}}}}
	out = append(out, pv("pv-beta", object{"failure-domain.beta.kubernetes.io/zone": g.of("a", "a__b", "c__a", "")}, object{}),
		pv("pv-region", object{"topology.kubernetes.io/region": "west", "topology.kubernetes.io/zone": g.of("a", "a__b", "b__c__a")}, object{}), pv("pv-fields", object{}, fields))
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
