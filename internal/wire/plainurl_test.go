package wire

import "testing"

func TestPlainURL(t *testing.T) {
	for _, s := range []string{
		"https://psp.example", "https://psp.example/act/v1", "https://127.0.0.1:8443/x", "https://[::1]:8443", "https://xn--bcher-kva.example",
		"https://shop.example/.well-known/act-payment-capability.json", "https://psp.example/A-_.~!$&'()*+,;=:@",
	} {
		if !PlainURL(s) {
			t.Errorf("CID-PCA-NEG-07 %q was refused", s)
		}
	}
	for _, s := range []string{
		"", "psp.example", "//psp.example", "http://psp.example", "HTTPS://psp.example", "https:psp.example", "https://", "https:///act",
		"https://PSP.example", "https://psp.example/", "https://psp.example/act/", "https://psp.example//act", "https://psp.example/./act",
		"https://psp.example/a/../act", "https://psp.example/.../x", "https://psp.example/%61ct", "https://psp.example:443", "https://psp.example:",
		"https://psp.example:08443", "https://psp.example:123456", "https://psp.example.", "https://.psp.example", "https://psp..example",
		"https://psp.example?x=1", "https://psp.example/act?", "https://psp.example#f", "https://psp.example@evil.example", "https://u:p@psp.example",
		"https://psp.example\\@evil.example", "https://psp.example/act\\x", "https://psp.example /act", "https://psp.example/act\n", "https://p\u0455p.example",
		"https://psp_x.example", "https://[::1", "https://[fe80::1%25eth0]", "https://psp.example/\u00e9", "https://[PSP]",
	} {
		if PlainURL(s) {
			t.Errorf("CID-PCA-NEG-07 %q was accepted", s)
		}
	}
}

// FuzzPlainURL: two plain URLs are the same place exactly when they are the
// same bytes, so nothing that lower-casing or cutting changes may be one.
func FuzzPlainURL(f *testing.F) {
	for _, s := range []string{"https://psp.example/act/v1", "https://[::1]:8443", "https://psp.example:443/", "https://a@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !PlainURL(s) {
			return
		}
		for _, trick := range []string{s + "/", s + "?", s + "#", s + "/.", s + "/..", s + "/%2e", "H" + s[1:], s + " ", s + "\t"} {
			if PlainURL(trick) {
				t.Errorf("%q and %q", s, trick)
			}
		}
	})
}

func TestURI(t *testing.T) {
	for s, ok := range map[string]bool{
		"urn:act:psp:example-psp": true, "did:act:psp.example/pay": true, "https://psp.example": true, "a+b-c.d:e": true,
		"": false, "psp": false, ":psp": false, "urn:": false, "URN:x": false, "1a:b": false, "urn:a b": false, "urn:\u00e9": false, "u_n:x": false,
	} {
		var r Reader
		if r.URI("psp_id", s); (r.Err() == nil) != ok {
			t.Errorf("%q: %v", s, r.Err())
		}
	}
}
