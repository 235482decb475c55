//go:build !unix

package process

// endWithTerraform does nothing here: Windows has no poll(2) of a pipe.
func endWithTerraform() {}
