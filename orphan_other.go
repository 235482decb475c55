//go:build !unix

package main

// endWithTerraform does nothing here: Windows has no poll(2) of a pipe.
func endWithTerraform() {}
