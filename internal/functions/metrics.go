package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

type metrics struct{}

func newMetrics() function.Function { return metrics{} }

func (metrics) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "metrics"
}

func (metrics) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "When certificates end, as metrics for Prometheus",
		MarkdownDescription: "Returns OpenMetrics text with `x509_cert_not_after` and `x509_cert_not_before`, in seconds of Unix time, of each certificate and each root. " +
			"The text is valid in Prometheus's text format too, so the textfile collector of node_exporter takes it as it is.\n\n" +
			"- Dashboards and alerts of [x509-certificate-exporter](https://github.com/enix/x509-certificate-exporter) know these names and labels: " +
			"`subject_CN`, `issuer_CN` and the like for `C`, `ST`, `L`, `O` and `OU`, where there is one, and `serial_number`, here in decimal.\n" +
			"- The labels `kind` (`ca`, `server`, `client`), `current` (`false` for the previous roots of an authority) and `fingerprint_sha256` are added. " +
			"`fingerprint_sha256` leads to the entry of `inventory`.\n" +
			"- There is no `x509_cert_expired`, because it would change as time passes. Ask for `x509_cert_not_after < time()`.\n" +
			"- Only `cert_pem` is read.\n\n" + withoutSecrets("metrics"),
		VariadicParameter: certificatesParameter(),
		Return:            function.StringReturn{},
	}
}

// withoutSecrets documents what becomes of the sensitivity of the arguments.
func withoutSecrets(name string) string {
	return "The result holds no secret. Terraform does not know that: a resource has a sensitive attribute, `private_key_pem`, so whatever is made of the resource is sensitive. " +
		"`nonsensitive(provider::docker::" + name + "(…))` says that the result may be shown. " +
		"If the arguments are objects without the private key, such as `{ cert_pem = docker_tls_client_cert.ci.cert_pem }`, the result is not sensitive in the first place."
}

func (metrics) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	s, failure := findCertificates(ctx, req)
	if failure != nil {
		resp.Error = failure
		return
	}
	if s.open {
		resp.Error = setUnknown(ctx, &resp.Result)
		return
	}
	var list []x509text.Listed
	for _, f := range s.found {
		list = append(list, f.list...)
	}
	resp.Error = resp.Result.Set(ctx, x509text.OpenMetrics(list))
}
