// oracle - what kube-scheduler's own plugins say about each waiting pod on each node.
//
// Reads Kubernetes Lists (one JSON document after another) from stdin; prints for each one line of JSON:
// {"feasible":{"NAMESPACE/POD":{"NODE":true,"NODE2":"REASON"}}}. Objects get the API server's defaults first, as stored
// objects have them. Every waiting pod is judged against the bound pods of its List, never against another waiting one.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	corev1 "k8s.io/kubernetes/pkg/apis/core/v1"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
)

// Plugins that need more of a scheduler than its snapshot, and that no pod here asks for.
var left = map[string]bool{"DynamicResources": true, "DefaultPreemption": true, "DefaultBinder": true}

type world struct {
	nodes   []*v1.Node
	pods    []*v1.Pod
	waiting []*v1.Pod
	others  []runtime.Object
}

func decode[T any](raw json.RawMessage) *T {
	o := new(T)
	if err := json.Unmarshal(raw, o); err != nil {
		panic(err)
	}
	return o
}

// merge does what the API server does with the label keys of a new pod's affinity (mutatePodAffinity of its strategy).
func merge(p *v1.Pod) {
	var terms []v1.PodAffinityTerm
	if a := p.Spec.Affinity; a != nil && a.PodAffinity != nil {
		terms = append(terms, a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution...)
	}
	if a := p.Spec.Affinity; a != nil && a.PodAntiAffinity != nil {
		terms = append(terms, a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution...)
	}
	for _, t := range terms {
		add := func(keys []string, op metav1.LabelSelectorOperator) {
			for _, k := range keys {
				if v, ok := p.Labels[k]; ok && t.LabelSelector != nil {
					t.LabelSelector.MatchExpressions = append(t.LabelSelector.MatchExpressions, metav1.LabelSelectorRequirement{Key: k, Operator: op, Values: []string{v}})
				}
			}
		}
		add(t.MatchLabelKeys, metav1.LabelSelectorOpIn)
		add(t.MismatchLabelKeys, metav1.LabelSelectorOpNotIn)
	}
}

func read(items []json.RawMessage) *world {
	w := &world{}
	for _, raw := range items {
		kind := decode[struct{ Kind string }](raw).Kind
		switch kind {
		case "Node":
			n := decode[v1.Node](raw)
			corev1.SetObjectDefaults_Node(n)
			w.nodes = append(w.nodes, n)
		case "Pod":
			p := decode[v1.Pod](raw)
			corev1.SetObjectDefaults_Pod(p)
			merge(p)
			if p.Spec.NodeName == "" {
				w.waiting = append(w.waiting, p)
			} else if p.Status.Phase != v1.PodSucceeded && p.Status.Phase != v1.PodFailed {
				w.pods = append(w.pods, p)
			}
		case "Namespace":
			w.others = append(w.others, decode[v1.Namespace](raw))
		case "PersistentVolume":
			w.others = append(w.others, decode[v1.PersistentVolume](raw))
		case "PersistentVolumeClaim":
			w.others = append(w.others, decode[v1.PersistentVolumeClaim](raw))
		case "StorageClass":
			w.others = append(w.others, decode[storagev1.StorageClass](raw))
		case "VolumeAttachment":
			w.others = append(w.others, decode[storagev1.VolumeAttachment](raw))
		case "CSINode":
			w.others = append(w.others, decode[storagev1.CSINode](raw))
		}
	}
	return w
}

func profile() *config.KubeSchedulerProfile {
	c, err := latest.Default()
	if err != nil {
		panic(err)
	}
	p := c.Profiles[0].DeepCopy()
	var enabled []config.Plugin
	for _, e := range p.Plugins.MultiPoint.Enabled {
		if !left[e.Name] {
			enabled = append(enabled, e)
		}
	}
	p.Plugins.MultiPoint.Enabled = append(enabled, config.Plugin{Name: "DefaultBinder"})
	return p
}

func (w *world) judge(ctx context.Context) map[string]map[string]any {
	client := fake.NewClientset(w.others...)
	factory := informers.NewSharedInformerFactory(client, 0)
	snapshot := cache.NewSnapshot(w.pods, w.nodes)
	f, err := frameworkruntime.NewFramework(ctx, plugins.NewInTreeRegistry(), profile(),
		frameworkruntime.WithClientSet(client), frameworkruntime.WithInformerFactory(factory),
		frameworkruntime.WithSnapshotSharedLister(snapshot), frameworkruntime.WithParallelism(1),
		frameworkruntime.WithSharedCSIManager(nodevolumelimits.NewCSIManager(factory.Storage().V1().CSINodes().Lister())))
	if err != nil {
		panic(err)
	}
	factory.Core().V1().Namespaces().Lister()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	out := map[string]map[string]any{}
	for _, p := range w.waiting {
		out[p.Namespace+"/"+p.Name] = w.judgePod(ctx, f, snapshot, p)
	}
	return out
}

func (w *world) judgePod(ctx context.Context, f framework.Framework, snapshot *cache.Snapshot, p *v1.Pod) map[string]any {
	row := map[string]any{}
	state := framework.NewCycleState()
	var only *fwk.PreFilterResult
	var status *fwk.Status
	for _, pl := range f.PreEnqueuePlugins() {
		if status.IsSuccess() {
			status = pl.PreEnqueue(ctx, p)
		}
	}
	if status.IsSuccess() {
		only, status, _ = f.RunPreFilterPlugins(ctx, state, p)
	}
	for _, n := range w.nodes {
		s := status
		if s.IsSuccess() && !only.AllNodes() && !only.NodeNames.Has(n.Name) {
			s = fwk.NewStatus(fwk.Unschedulable, "left out by PreFilter")
		}
		if s.IsSuccess() {
			info, err := snapshot.NodeInfos().Get(n.Name)
			if err != nil {
				panic(err)
			}
			s = f.RunFilterPlugins(ctx, state, p, info)
		}
		if s.IsSuccess() {
			row[n.Name] = true
		} else {
			row[n.Name] = s.Plugin() + ": " + strings.Join(s.Reasons(), "; ")
		}
	}
	return row
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "oracle:", err)
	os.Exit(1)
}

func main() {
	klog.SetLogger(klog.Logger{})
	metrics.Register()
	if len(os.Args) > 1 {
		seed, err := strconv.ParseInt(os.Args[1], 10, 64)
		lists := 0
		if err == nil && len(os.Args) > 2 {
			lists, err = strconv.Atoi(os.Args[2])
		}
		if err == nil && len(os.Args) > 3 {
			err = compare(seed, lists, os.Args[3])
		} else if err == nil {
			err = generate(seed, lists, os.Stdout)
		}
		if err != nil {
			fail(err)
		}
		return
	}
	in := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<20))
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		var list struct{ Items []json.RawMessage }
		if err := in.Decode(&list); err == io.EOF {
			return
		} else if err != nil {
			fail(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		text, err := json.Marshal(map[string]any{"feasible": read(list.Items).judge(ctx)})
		cancel()
		if err != nil {
			fail(err)
		}
		fmt.Fprintln(out, string(text))
	}
}
