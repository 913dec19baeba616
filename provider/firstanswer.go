package provider

import (
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// Recall is what a request gets that has an answer, a trade or a denial: that
// answer, or request_conflict when it was given to other content than what is
// asked. Nil and nil mean that there is no answer.
func Recall(requestID string, asked, answered canon.Digest, t *Trade, refusal *protocol.Error) (*Trade, error) {
	switch {
	case t == nil && refusal == nil:
		return nil, nil
	case asked != answered:
		return nil, Conflict()
	case refusal != nil:
		return nil, &payment.Refusal{RequestID: requestID, Reason: refusal}
	}
	return t, nil
}

// Final reports whether a denial that was found in the book is the answer to a
// request for ever. What is undetermined is not, nor is an authorization by a
// wrong key: the same request may come again with the right one.
func Final(denied *protocol.Error) bool {
	return denied.Code.Outcome() == protocol.Denied && denied.Code != protocol.CodeSubAccountKey
}

// Replayed refuses a nonce that was used before.
func Replayed() error {
	return protocol.New(protocol.CodeReplayed, "nonce", "PSD-PAY-DEL-04", "each transmission needs a fresh nonce")
}

// Conflict refuses a request whose id was used before with other content.
func Conflict() error {
	return protocol.New(protocol.CodeRequestConflict, "request_id", "PSD-PAY-DEL-04", "the id was used before with other content")
}

// UnknownTrade refuses whoever asks about a trade that is not there, or is
// another's: both look alike. The field is the one that named it.
func UnknownTrade(field string) error {
	return protocol.New(protocol.CodeTradeUnknown, field, "PSD-PAY-A402-23", "")
}

// Unknown is UnknownTrade for what a key names.
func (k TradeKey) Unknown() error {
	if k.Order != "" {
		return UnknownTrade("merchant_order_id")
	}
	return UnknownTrade("trade_no")
}

// UnknownSubAccount refuses whoever asks about a sub-account that is not there.
func UnknownSubAccount() error {
	return protocol.New(protocol.CodeSubAccountUnknown, "subaccount_id", "PSD-AGT-SUB-05", "")
}

// CheckRefusal refuses to store nothing as an answer.
func CheckRefusal(refusal *protocol.Error) error {
	if refusal == nil {
		return protocol.New(protocol.CodeFieldMissing, "refusal", "PSD-PAY-DEL-04", "")
	}
	return nil
}
