//go:build tools

// Package tools names the programs that are built from this module: in one, so that what they share is compiled once. They
// share its versions too: a program may be built with later ones than its own module asks for.
package tools

import (
	_ "github.com/prometheus/prometheus/cmd/promtool"
	_ "github.com/yannh/kubeconform/cmd/kubeconform"
	_ "helm.sh/helm/v3/cmd/helm"
	_ "sigs.k8s.io/kwok/cmd/kwok"
)
