package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
)

type verdicts = map[string]map[string]any

// ask runs PROGRAM simulate on LIST.
func ask(program string, list []byte, into any, args ...string) error {
	cmd := exec.Command(program, append([]string{"simulate", "-f", "-"}, args...)...)
	cmd.Stdin = bytes.NewReader(list)
	text, err := cmd.Output()
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func judge(list []byte) (verdicts, error) {
	var l struct{ Items []json.RawMessage }
	if err := json.Unmarshal(list, &l); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return read(l.Items).judge(ctx), nil
}

// pairs counts where the verdicts differ, and prints the first ones.
func pairs(n int, want, got verdicts) (all, differ int) {
	for pod, row := range want {
		for node, v := range row {
			all++
			if (v == true) != (got[pod][node] == true) {
				differ++
				if differ <= 3 {
					fmt.Printf("list %d, %s on %s: kube-scheduler says %v, we say %v\n", n, pod, node, v, got[pod][node])
				}
			}
		}
	}
	if len(got) != len(want) {
		fmt.Printf("list %d: %d waiting pods instead of %d\n", n, len(got), len(want))
		differ++
	}
	return all, differ
}

type placement struct{ Pod, Node string }

type decision struct {
	Placements []placement
	Pending    []struct {
		Pod     string
		Reasons []string
	}
}

// placed is LIST with these placements made: each then waits nowhere.
func placed(list []byte, placements []placement) ([]byte, error) {
	var l map[string]any
	if err := json.Unmarshal(list, &l); err != nil {
		return nil, err
	}
	nodes := map[string]string{}
	for _, p := range placements {
		nodes[p.Pod] = p.Node
	}
	for _, item := range l["items"].([]any) {
		o := item.(map[string]any)
		meta := o["metadata"].(map[string]any)
		if node, ok := nodes[fmt.Sprint(meta["namespace"], "/", meta["name"])]; ok && o["kind"] == "Pod" {
			o["spec"].(map[string]any)["nodeName"] = node
		}
	}
	return json.Marshal(l)
}

// misplaced counts pods that kube-scheduler would not have put where we did, in whatever order they are made: it takes one after the other.
func misplaced(n int, list []byte, placements []placement) (int, error) {
	rest, made := placements, []placement{}
	for len(rest) > 0 {
		now, err := placed(list, made)
		if err != nil {
			return 0, err
		}
		want, err := judge(now)
		if err != nil {
			return 0, err
		}
		i := 0
		for i < len(rest) && want[rest[i].Pod][rest[i].Node] != true {
			i++
		}
		if i == len(rest) {
			p := rest[0]
			fmt.Printf("list %d: %s is put on %s; kube-scheduler says %v\n", n, p.Pod, p.Node, want[p.Pod][p.Node])
			return len(rest), nil
		}
		made = append(made, rest[i])
		rest = append(append([]placement{}, rest[:i]...), rest[i+1:]...)
	}
	return 0, nil
}

// forgotten counts pods that we leave pending though kube-scheduler would place them beside what we placed, and those that we misplaced.
func forgotten(n int, program string, list []byte) (int, int, error) {
	var d decision
	if err := ask(program, list, &d); err != nil {
		return 0, 0, err
	}
	bad, err := misplaced(n, list, d.Placements)
	if err != nil {
		return 0, 0, err
	}
	after, err := placed(list, d.Placements)
	if err != nil {
		return 0, 0, err
	}
	want, err := judge(after)
	if err != nil {
		return 0, 0, err
	}
	for _, p := range d.Pending {
		for node, v := range want[p.Pod] {
			if v == true {
				fmt.Printf("list %d: %s is pending, but %s would take it; we say %q\n", n, p.Pod, node, p.Reasons)
				bad++
			}
		}
		if len(p.Reasons) == 0 {
			fmt.Printf("list %d: %s is pending without a reason\n", n, p.Pod)
			bad++
		}
	}
	if len(d.Pending) != len(want) {
		bad++
	}
	return len(d.Placements), bad, nil
}

// compare judges N random lists with both; an error when they differ anywhere.
func compare(seed int64, n int, program string) error {
	var lists bytes.Buffer
	if err := generate(seed, n, &lists); err != nil {
		return err
	}
	all, differ, put, bad := 0, 0, 0, 0
	for i, list := range bytes.Split(bytes.TrimSpace(lists.Bytes()), []byte("\n")) {
		var got struct{ Feasible verdicts }
		want, err := judge(list)
		if err == nil {
			err = ask(program, list, &got, "--feasible")
		}
		if err != nil {
			return fmt.Errorf("list %d: %w", i, err)
		}
		a, d := pairs(i, want, got.Feasible)
		p, b, err := forgotten(i, program, list)
		if err != nil {
			return fmt.Errorf("list %d: %w", i, err)
		}
		all, differ, put, bad = all+a, differ+d, put+p, bad+b
	}
	fmt.Printf("seed %d: %d verdicts, %d differ; %d pods placed, %d misplaced or forgotten\n", seed, all, differ, put, bad)
	if differ+bad > 0 {
		return fmt.Errorf("not the same")
	}
	return nil
}
