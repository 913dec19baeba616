// Package evidence is a file that holds all evidence of a purchase, and can be
// verified years later with nothing but the file and the keys that one trusts:
// every record, the proof that each is anchored, the documents in which the
// signers' keys stand, and a manifest (SPEC.md 10.6).
//
//	data, err := evidence.Collect(ctx, evidence.Sources{...}, recorder.Query{IntentID: id})
//	file, err := evidence.Open(data)
//	report, err := file.Verify(ctx, evidence.Trust{Keys: keys, Logs: logs})
//	err = evidence.View(w, file, report)
//
// Each record gets one of the seven conclusions of TSD-ATT-SVF. [View] writes
// the purchase as one HTML page without scripts or anything from elsewhere.
//
// What a file proves: that these parties signed these records, and that a log
// has had them since a time that it and its witnesses signed. What it does not:
// that the records tell the truth, and that nobody left one out. The manifest
// and the documents are the collector's word; they show an accident or a clumsy
// hand, and somebody who rewrites a file rewrites them too. So do not trust the
// keys that a file carries, see [Trust].
//
// A file is confidential: its records hold the salts.
package evidence
