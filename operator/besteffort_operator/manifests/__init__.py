"""Pure: a service -> the objects that Kubernetes shall hold. One module for one concern; `build` puts them together."""
