package server

import (
	"encoding/csv"
	"strings"
	"testing"
)

// TestNamesAreNoFormulas: whatever a merchant is called, a spreadsheet shows it
// and computes nothing.
func TestNamesAreNoFormulas(t *testing.T) {
	for name, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\n=1": "'\n=1",
		"＝1+1": "'＝1+1", "＋1": "'＋1", "－1": "'－1", "＠SUM(A1)": "'＠SUM(A1)", "咖啡": "咖啡", "Tea;=1+1": "Tea;=1+1", `a","=1`: `a","=1`, "": "",
	} {
		text := settlementsView{Settlements: []settlementView{{Merchant: "did:act:shop.example/tea", Name: name, Net: "-1.00"}}}.csv()
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 10 || rows[1][3] != want || rows[1][9] != "-1.00" {
			t.Errorf("%q became %q, %v", name, rows, err)
		}
		if strings.Contains(name, ";") && !strings.Contains(text, `"`+name+`"`) {
			t.Errorf("%q can be split: %s", name, text)
		}
	}
}
