// Package x509text reads and writes X.509 as text: certificates and private
// keys in PEM, and what people read of them, which is names, numbers and
// purposes. It is the one place for this, so that two parts of the provider
// never disagree about what a text says.
//
// It decides nothing about what a certificate or a key is good for, and knows
// neither Terraform nor Docker. No error repeats a text that was given.
package x509text
