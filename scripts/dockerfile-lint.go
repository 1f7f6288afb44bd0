// dockerfile-lint prints what BuildKit's own checks say about a Dockerfile, as `docker build --check` does, without an engine and
// without a network: base images are not looked at. Built by scripts/tools.
// Usage: dockerfile-lint FILE. Exit status 0: nothing to say; 1: warnings or errors, on stdout; 2: FILE cannot be read.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/opencontainers/go-digest"
)

// Every base image is there and says nothing.
type noRegistry struct{}

func (noRegistry) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := []byte(`{"architecture":"amd64","os":"linux","config":{}}`)
	return ref, digest.FromBytes(config), config, nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dockerfile-lint FILE")
		os.Exit(2)
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	source := llb.NewSourceMap(nil, os.Args[1], "dockerfile", text)
	source.Definition = &llb.Definition{} // of no context, but not absent
	got, err := dockerfile2llb.DockerfileLint(context.Background(), text, dockerfile2llb.ConvertOpt{
		SourceMap: source, MetaResolver: noRegistry{}, Config: dockerui.Config{},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	bad := false
	for _, w := range got.Warnings {
		line := int32(0)
		if w.Location != nil && len(w.Location.Ranges) > 0 {
			line = w.Location.Ranges[0].Start.Line
		}
		fmt.Printf("%s:%d: %s: %s\n", os.Args[1], line, w.RuleName, w.Detail)
		bad = true
	}
	if got.Error != nil {
		fmt.Printf("%s: %s\n", os.Args[1], got.Error.Message)
		bad = true
	}
	if bad {
		os.Exit(1)
	}
}
