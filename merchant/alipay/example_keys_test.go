package alipay_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/merchant/alipay/alipaytest"
)

// The key files that Alipay's tools write are read as they are.
func ExampleParsePrivateKey() {
	var file bytes.Buffer // base64 of PKCS #8 in lines, without a PEM header
	acttest.Run(func(t acttest.TB) {
		der, err := x509.MarshalPKCS8PrivateKey(alipaytest.NewKey(t))
		check(err)
		file.WriteString(base64.StdEncoding.EncodeToString(der) + "\n")
	})
	key, err := alipay.ParsePrivateKey(file.Bytes())
	check(err)
	fmt.Println(key.N.BitLen(), "bits")
	// Output: 2048 bits
}
