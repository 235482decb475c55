package functions

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// leafOf and authorityOf are resources as Terraform hands them to a function.
func leafOf(certPEM, keyPEM string) attr.Value {
	return object(map[string]attr.Value{
		"cert_pem": types.StringValue(certPEM), "private_key_pem": types.StringValue(keyPEM), "ca": types.DynamicNull(),
		"renewal_time": types.StringValue("2027-01-01T00:00:00Z"), "dns_names": types.ListNull(types.StringType),
	})
}

func storedAuthority(certPEM, keyPEM string) attr.Value {
	return object(map[string]attr.Value{
		"cert_pem": types.StringValue(certPEM), "private_key_pem": types.StringValue(keyPEM), "generation": number(2),
		"renewal_time": types.StringValue("2027-02-01T00:00:00Z"),
	})
}

// byName is a resource with for_each.
func byName(values map[string]attr.Value) attr.Value { return object(values) }

// names returns what inventory lists, as "kind name", in its order.
func names(t *testing.T, arguments ...attr.Value) []string {
	t.Helper()
	value, failure := run(t, "inventory", dynamic(arguments...))
	if failure != nil {
		t.Fatal(failure)
	}
	list := []string{}
	for _, e := range value.(basetypes.ListValue).Elements() {
		a := e.(basetypes.ObjectValue).Attributes()
		list = append(list, a["kind"].(types.String).ValueString()+" "+a["fingerprint_sha256"].(types.String).ValueString())
	}
	return list
}

func fingerprint(t *testing.T, certPEM string) string {
	t.Helper()
	c, err := x509text.FirstCertificate(certPEM)
	if err != nil {
		t.Fatal(err)
	}
	return x509text.Fingerprint(c)
}

// Certificates come alone, by name, in lists and in one another, in the order in
// which they are given, each once.
func TestCertificatesAreFound(t *testing.T) {
	a, aKey := selfSigned(t)
	b, bKey := selfSigned(t)
	root := rootPEM()
	ca, leafA, leafB := "ca "+fingerprint(t, root), "client "+fingerprint(t, a), "client "+fingerprint(t, b)
	A, B, CA := leafOf(a, aKey), leafOf(b, bKey), storedAuthority(root, aKey)
	kind := A.Type(t.Context())
	for name, test := range map[string]struct {
		arguments []attr.Value
		want      []string
	}{
		"none":                    {nil, []string{}},
		"alone":                   {[]attr.Value{B, CA, A}, []string{leafB, ca, leafA}},
		"by name":                 {[]attr.Value{byName(map[string]attr.Value{"web2": A, "web1": B})}, []string{leafB, leafA}},
		"in a map":                {[]attr.Value{types.MapValueMust(kind, map[string]attr.Value{"web2": A, "web1": B})}, []string{leafB, leafA}},
		"in a list":               {[]attr.Value{types.ListValueMust(kind, []attr.Value{B, A})}, []string{leafB, leafA}},
		"in a set":                {[]attr.Value{types.SetValueMust(kind, []attr.Value{B, A})}, []string{leafB, leafA}},
		"in a tuple":              {[]attr.Value{types.TupleValueMust([]attr.Type{CA.Type(t.Context()), kind}, []attr.Value{CA, A})}, []string{ca, leafA}},
		"in one another":          {[]attr.Value{object(map[string]attr.Value{"y": byName(map[string]attr.Value{"b": B}), "x": CA})}, []string{ca, leafB}},
		"by the name cert_pem":    {[]attr.Value{byName(map[string]attr.Value{"cert_pem": A})}, []string{leafA}},
		"twice":                   {[]attr.Value{A, byName(map[string]attr.Value{"a": A, "b": B}), B}, []string{leafA, leafB}},
		"null":                    {[]attr.Value{types.DynamicNull(), types.ObjectNull(nil), types.TupleValueMust([]attr.Type{types.DynamicType}, []attr.Value{types.DynamicNull()}), A}, []string{leafA}},
		"a projection":            {[]attr.Value{object(map[string]attr.Value{"cert_pem": types.StringValue(a)})}, []string{leafA}},
		"a map of texts":          {[]attr.Value{types.MapValueMust(types.StringType, map[string]attr.Value{"cert_pem": types.StringValue(a)})}, []string{leafA}},
		"a leaf with its chain":   {[]attr.Value{leafOf(a+root, aKey)}, []string{leafA}},
		"roots, and one again":    {[]attr.Value{storedAuthority(root, ""), storedAuthority(root, "")}, []string{ca}},
		"a dynamic in a dynamic":  {[]attr.Value{types.DynamicValue(A)}, []string{leafA}},
		"an empty list and a map": {[]attr.Value{types.TupleValueMust(nil, nil), byName(nil)}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := names(t, test.arguments...); !slices.Equal(got, test.want) {
				t.Errorf("got\n%v, want\n%v", got, test.want)
			}
		})
	}
}

// An entry says what the certificate says, and of the object only what no
// certificate does. A previous root has neither.
func TestInventoryEntries(t *testing.T) {
	leaf, key := selfSigned(t)
	root, previous := rootPEM(), newRoot()
	value, failure := run(t, "inventory", dynamic(storedAuthority(root+previous, key), leafOf(leaf, key), object(map[string]attr.Value{"cert_pem": types.StringValue(previous)})))
	if failure != nil {
		t.Fatal(failure)
	}
	entry := func(kind, name string, current bool, certPEM, serial, issuer string, generation attr.Value, renewal types.String) attr.Value {
		return types.ObjectValueMust(inventoryTypes(), map[string]attr.Value{
			"kind": types.StringValue(kind), "name": types.StringValue(name), "current": types.BoolValue(current),
			"serial_number": types.StringValue(serial), "fingerprint_sha256": types.StringValue(fingerprint(t, certPEM)),
			"issuer": types.StringValue(issuer), "generation": generation,
			"validity_end_time": types.StringValue("2027-05-01T00:00:00Z"), "renewal_time": renewal,
		})
	}
	want := []attr.Value{
		entry("ca", "Docker CA", true, root, "01", "CN=Docker CA", types.NumberValue(big.NewFloat(2)), types.StringValue("2027-02-01T00:00:00Z")),
		entry("ca", "Docker CA", false, previous, "01", "CN=Docker CA", types.NumberNull(), types.StringNull()),
		entry("client", "ci", true, leaf, "0abc", "CN=ci,O=Example", types.NumberNull(), types.StringValue("2027-01-01T00:00:00Z")),
	}
	if got := value.(basetypes.ListValue).Elements(); !slices.EqualFunc(got, want, attr.Value.Equal) {
		t.Errorf("got\n%v, want\n%v", got, want)
	}
}

// Whatever the arguments hold beside certificates, none of it is in a result.
func TestReportsHoldNoSecret(t *testing.T) {
	leaf, key := selfSigned(t)
	arguments := dynamic(storedAuthority(rootPEM(), key), byName(map[string]attr.Value{"web1": leafOf(leaf, key)}))
	for _, name := range []string{"inventory", "metrics"} {
		value, failure := run(t, name, arguments)
		if failure != nil {
			t.Fatal(failure)
		}
		secret := strings.Split(key, "\n")[1]
		if text := fmt.Sprintf("%#v", value); strings.Contains(text, secret) || strings.Contains(text, "PRIVATE") || strings.Contains(text, "-----BEGIN") {
			t.Errorf("%s returns more than it should", name)
		}
	}
}

// What is not known yet leaves the result unknown, if the function reads it.
func TestReportsOfUnknown(t *testing.T) {
	leaf, key := selfSigned(t)
	with := func(name string, value attr.Value) attr.Value {
		o := leafOf(leaf, key).(types.Object).Attributes()
		o[name] = value
		return object(o)
	}
	for name, test := range map[string]struct {
		argument           attr.Value
		inventory, metrics bool // known
	}{
		"all":                  {types.DynamicUnknown(), false, false},
		"a resource":           {types.ObjectUnknown(identityTypes), false, false},
		"cert_pem":             {with("cert_pem", types.StringUnknown()), false, false},
		"cert_pem of any type": {with("cert_pem", types.DynamicUnknown()), false, false},
		"renewal_time":         {with("renewal_time", types.StringUnknown()), false, true},
		"generation":           {with("generation", types.NumberUnknown()), false, true},
		"private_key_pem":      {with("private_key_pem", types.StringUnknown()), true, true},
		"one of several":       {byName(map[string]attr.Value{"a": leafOf(leaf, key), "b": with("cert_pem", types.StringUnknown())}), false, false},
	} {
		for function, known := range map[string]bool{"inventory": test.inventory, "metrics": test.metrics} {
			got, failure := run(t, function, dynamic(leafOf(rootPEM(), key), test.argument))
			if failure != nil || got.IsUnknown() == known {
				t.Errorf("%s, %s: known %v, want %v; %v", function, name, !got.IsUnknown(), known, failure)
			}
		}
	}
}

func TestReportErrors(t *testing.T) {
	leaf, key := selfSigned(t)
	good := leafOf(leaf, key)
	text := func(s string) attr.Value { return object(map[string]attr.Value{"cert_pem": types.StringValue(s)}) }
	for name, test := range map[string]struct {
		arguments []attr.Value
		at        int64
		want      string
	}{
		"PEM":                         {[]attr.Value{types.StringValue(leaf)}, 0, "no authority and no certificate: expected is a resource"},
		"PEM that is not known":       {[]attr.Value{good, types.StringUnknown()}, 1, "no authority and no certificate"},
		"a list of PEM":               {[]attr.Value{types.ListValueMust(types.StringType, []attr.Value{types.StringValue(leaf)})}, 0, "[0]: no authority"},
		"another object":              {[]attr.Value{good, object(map[string]attr.Value{"a": object(map[string]attr.Value{"port": number(1)})})}, 1, `["a"]["port"]: no authority`},
		"a mistake beside an unknown": {[]attr.Value{types.DynamicUnknown(), good, types.BoolValue(true)}, 2, "no authority"},
		"no certificate":              {[]attr.Value{object(map[string]attr.Value{"cert_pem": types.StringNull()})}, 0, "cert_pem is null"},
		"a key for a certificate":     {[]attr.Value{byName(map[string]attr.Value{"web1": text(key)})}, 0, `["web1"]: cert_pem: a PEM block of type "PRIVATE KEY"`},
		"a certificate and its key":   {[]attr.Value{text(leaf + key)}, 0, `a PEM block of type "PRIVATE KEY"`},
		"a path":                      {[]attr.Value{text("ca.pem")}, 0, "read it with file()"},
		"another type of generation":  {[]attr.Value{object(map[string]attr.Value{"cert_pem": types.StringValue(leaf), "generation": types.BoolValue(true)})}, 0, "generation has another type"},
		"another type of renewal":     {[]attr.Value{object(map[string]attr.Value{"cert_pem": types.StringValue(leaf), "renewal_time": number(1)})}, 0, "renewal_time has another type"},
		"another type of certificate": {[]attr.Value{object(map[string]attr.Value{"cert_pem": number(1)})}, 0, "cert_pem has another type"},
	} {
		for _, function := range []string{"inventory", "metrics"} {
			_, failure := run(t, function, dynamic(test.arguments...))
			switch {
			case failure == nil:
				t.Errorf("%s, %s: no error", function, name)
			case failure.FunctionArgument == nil || *failure.FunctionArgument != test.at || !strings.Contains(failure.Text, test.want):
				t.Errorf("%s, %s: at %v: %s", function, name, failure.FunctionArgument, failure.Text)
			case strings.Contains(failure.Text, strings.Split(key, "\n")[1]):
				t.Errorf("%s, %s: the error shows a key", function, name)
			}
		}
	}
}

// A certificate is listed once, wherever it is found, and nothing else of an object
// is in the list or in an error.
func FuzzFindCertificates(f *testing.F) {
	for _, seed := range []string{
		`{"cert_pem": "root"}`, `[{"cert_pem": "root", "private_key_pem": "sesame"}, {"a": {"cert_pem": "other", "generation": 1, "renewal_time": "?"}}]`,
		`{"cert_pem": {"cert_pem": "root"}}`, `{"cert_pem": null}`, `[[], {}, null, "?"]`, `[{"cert_pem": "both"}, {"cert_pem": "root"}]`, `{"cert_pem": "root", "generation": "sesame"}`, `{"a": "sesame"}`, `{"cert_pem": "?"}`,
	} {
		f.Add(seed)
	}
	certificates := map[string]string{"root": rootPEM(), "other": newRoot(), "both": rootPEM() + newRoot()}
	f.Fuzz(func(t *testing.T, text string) {
		var given any
		if json.Unmarshal([]byte(text), &given) != nil {
			return
		}
		s := &search{seen: map[string]bool{}}
		if err := s.add(t.Context(), "", valueOf(given, certificates)); err != nil {
			if !isKey("sesame", given) && strings.Contains(err.Error(), "sesame") {
				t.Errorf("the error repeats a value: %v", err)
			}
			return
		}
		listed := map[string]bool{}
		for _, found := range s.found {
			for _, l := range found.list {
				fingerprint := x509text.Fingerprint(l.Certificate)
				if listed[fingerprint] {
					t.Errorf("%s is listed twice", fingerprint)
				}
				listed[fingerprint] = true
				if entry := found.entry(l); strings.Contains(fmt.Sprint(entry), "sesame") && !isKey("sesame", given) && !isKey("renewal_time", given) {
					t.Errorf("%v repeats a value", entry)
				}
			}
		}
	})
}

// isKey reports whether a word is in the name of an attribute, which errors do repeat.
func isKey(word string, given any) bool {
	switch given := given.(type) {
	case []any:
		return slices.ContainsFunc(given, func(element any) bool { return isKey(word, element) })
	case map[string]any:
		for key, value := range given {
			if strings.Contains(key, word) || isKey(word, value) {
				return true
			}
		}
	}
	return false
}

// valueOf is a value of Terraform. Certificates go by names, and "?" is not known.
func valueOf(given any, certificates map[string]string) tftypes.Value {
	switch given := given.(type) {
	case string:
		if given == "?" {
			return tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
		}
		if certificate, is := certificates[given]; is {
			given = certificate
		}
		return tftypes.NewValue(tftypes.String, given)
	case float64:
		return tftypes.NewValue(tftypes.Number, given)
	case bool:
		return tftypes.NewValue(tftypes.Bool, given)
	case []any:
		values, kinds := []tftypes.Value{}, []tftypes.Type{}
		for _, element := range given {
			value := valueOf(element, certificates)
			values, kinds = append(values, value), append(kinds, value.Type())
		}
		return tftypes.NewValue(tftypes.Tuple{ElementTypes: kinds}, values)
	case map[string]any:
		values, kinds := map[string]tftypes.Value{}, map[string]tftypes.Type{}
		for name, attribute := range given {
			values[name] = valueOf(attribute, certificates)
			kinds[name] = values[name].Type()
		}
		return tftypes.NewValue(tftypes.Object{AttributeTypes: kinds}, values)
	}
	return tftypes.NewValue(tftypes.DynamicPseudoType, nil)
}
