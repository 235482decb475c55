package docker

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"
)

// Unknown is what an option has in place of a value that is not known yet.
var Unknown = unknown{}

type unknown struct{}

// isAbsent reports a value that is null, or not known yet.
func isAbsent(value any) bool { return value == nil || value == Unknown }

// authorityRoots are the roots of one whom a side trusts: several while it
// rotates.
type authorityRoots []*x509.Certificate

// trusted reads an option that lists authorities, as objects with cert_pem.
// Whatever else is in them, such as the key of a docker_tls_ca, is not looked at.
func trusted(option string, value any) ([]authorityRoots, error) {
	elements, ok := value.([]any)
	if !ok {
		cure := "it must be a list of authorities, such as [docker_tls_ca.ops]"
		if object, is := value.(map[string]any); is {
			cure = "write a list, [ … ], around it"
			if _, one := object["cert_pem"]; !one {
				cure = "it must be a list of authorities: where it has one under each key, write values(…) around it"
			}
		}
		return nil, optionErrorf("option %q is %s: %s", option, kindOf(value), cure)
	}
	var all []authorityRoots
	named := false
	for i, element := range elements {
		named = named || element != nil
		if isAbsent(element) {
			continue
		}
		object, ok := element.(map[string]any)
		if !ok {
			return nil, optionErrorf("option \"%s[%d]\" is %s: it must be a docker_tls_ca, or an object with cert_pem", option, i, kindOf(element))
		}
		roots, err := rootsOf(fmt.Sprintf("%s[%d].cert_pem", option, i), object["cert_pem"])
		if err != nil {
			return nil, err
		}
		if roots != nil {
			all = append(all, roots)
		}
	}
	if !named {
		return nil, optionErrorf("option %q names no authority: nobody could connect. Leave it out to trust the certificate's own", option)
	}
	return all, nil
}

// rootsOf parses the roots of one authority; none if they are not known yet.
func rootsOf(path string, value any) (authorityRoots, error) {
	switch text := value.(type) {
	case unknown:
		return nil, nil
	case nil:
		return nil, optionErrorf("option %q is missing: it must be the certificate of an authority", path)
	case string:
		roots, err := parseAuthorities(path, text)
		if err != nil {
			return nil, optionErrorf("option %v", err)
		}
		return roots, nil
	}
	return nil, optionErrorf("option %q is %s: it must be the certificate of an authority", path, kindOf(value))
}

// trusting is the identity that trusts the authorities of an option, if there
// are any, in place of its own.
//
// An authority that had expired when the certificate was issued lets nobody in.
// There is no clock here to tell more: a function has to return the same in every
// plan.
func (id Identity) trusting(option string, authorities []authorityRoots) (Identity, error) {
	if len(authorities) == 0 {
		return id, nil
	}
	chain, err := parseCertificates("cert_pem", id.CertPEM)
	if err != nil {
		return id, err
	}
	id.CACertPEM = bundle(authorities)
	for _, a := range authorities {
		if err := checkKeyOf(chain[0], a); err != nil {
			return id, err
		}
		if end := a.end(); end.Before(chain[0].NotBefore) {
			return id, optionErrorf("option %q has the authority %q, which expired on %s: nobody whom it certified could connect. Renew it, or take it off the list",
				option, a[0].Subject, end.UTC().Format(time.RFC3339))
		}
	}
	return id, nil
}

// end is when the last of the roots expires.
func (a authorityRoots) end() (last time.Time) {
	for _, root := range a {
		if root.NotAfter.After(last) {
			last = root.NotAfter
		}
	}
	return last
}

// bundle is the content of a ca.pem: every root once, in the order of the list.
func bundle(authorities []authorityRoots) string {
	var text strings.Builder
	seen := map[string]bool{}
	for _, a := range authorities {
		for _, root := range a {
			if seen[string(root.Raw)] {
				continue
			}
			seen[string(root.Raw)] = true
			text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))
		}
	}
	return text.String()
}
