//go:build tools

// Package tools names the programs that are built from this module: in one, so that what they share is compiled once.
package tools

import (
	_ "github.com/prometheus/prometheus/cmd/promtool"
	_ "github.com/yannh/kubeconform/cmd/kubeconform"
	_ "helm.sh/helm/v3/cmd/helm"
	_ "sigs.k8s.io/kwok/cmd/kwok"
)
