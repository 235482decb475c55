package docker

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// The part of Ignition's specification 3.4.0 that is used here.
type (
	ignitionConfig struct {
		Ignition ignitionVersion `json:"ignition"`
		Storage  ignitionStorage `json:"storage"`
		Systemd  ignitionSystemd `json:"systemd"`
	}
	ignitionVersion struct {
		Version string `json:"version"`
	}
	ignitionStorage struct {
		Files []ignitionFile `json:"files"`
	}
	ignitionFile struct {
		Path      string           `json:"path"`
		Overwrite bool             `json:"overwrite"`
		Mode      uint32           `json:"mode"`
		Contents  ignitionContents `json:"contents"`
	}
	ignitionContents struct {
		Source string `json:"source"`
	}
	ignitionSystemd struct {
		Units []ignitionUnit `json:"units"`
	}
	ignitionUnit struct {
		Name     string           `json:"name"`
		Enabled  *bool            `json:"enabled,omitempty"`
		Contents string           `json:"contents,omitempty"`
		DropIns  []ignitionDropIn `json:"dropins,omitempty"`
	}
	ignitionDropIn struct {
		Name     string `json:"name"`
		Contents string `json:"contents"`
	}
)

// Ignition returns an Ignition 3.4.0 configuration, as Flatcar and Fedora
// CoreOS read it at their first boot, before systemd loads any unit: nothing
// has to be restarted. Errors of the options are [*OptionError].
func Ignition(server Identity, o Options) (string, error) {
	if err := checkIgnition(o); err != nil {
		return "", err
	}
	files, err := tlsFiles(server, o)
	if err != nil {
		return "", err
	}
	enabled := true
	config := ignitionConfig{
		Ignition: ignitionVersion{Version: "3.4.0"},
		Systemd: ignitionSystemd{Units: []ignitionUnit{
			{Name: socketUnitName, Enabled: &enabled, Contents: socketUnit(o)},
			{Name: "docker.service", DropIns: []ignitionDropIn{
				{Name: dropInName, Contents: serviceDropIn(o, server.PrivateKeyPEM == "")},
			}},
		}},
	}
	for _, f := range files {
		config.Storage.Files = append(config.Storage.Files, ignitionFile{
			Path:      f.path,
			Overwrite: true, // an image may come with a daemon.json
			Mode:      f.mode,
			Contents:  ignitionContents{Source: "data:;base64," + base64.StdEncoding.EncodeToString([]byte(f.content))},
		})
	}
	text, err := json.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("writing Ignition JSON: %w", err)
	}
	return string(text), nil
}

// NewIgnitionOptions is [NewOptions] for [Ignition]. Both systems run systemd and
// start dockerd with -H fd://, with which "hosts" in daemon.json clashes, so
// [ListenHosts] is an error.
func NewIgnitionOptions(raw map[string]any) (Options, error) {
	o, err := NewOptions(raw)
	if err == nil {
		err = checkIgnition(o)
	}
	return o, err
}

func checkIgnition(o Options) error {
	if o.Listen == ListenHosts {
		return optionErrorf("option \"listen\" is %q: Flatcar and Fedora CoreOS start dockerd with -H fd://, which clashes with hosts in daemon.json; use %q", ListenHosts, ListenSocket)
	}
	return nil
}
