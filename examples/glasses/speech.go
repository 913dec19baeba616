package main

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

// A phrase is said in one of two languages.
type phrase struct{ en, zh string }

func (p phrase) in(l delegation.Language) string {
	if l == delegation.Chinese {
		return p.zh
	}
	return p.en
}

// A voice reads intents and orders aloud. The summary of package delegation is
// for reading: it names identifiers and times to the second, which nobody
// understands by ear. The price of being short is that a voice knows a few
// boundaries only. An intent with any other it does not read at all, since what
// was not said would not have been agreed to (ADD-INT-ICS-05).
type voice struct {
	names map[string]phrase // of merchants and payment methods, by their identifiers
	zone  *time.Location    // where the listener is
	now   func() time.Time
}

// intent says a draft, sentence by sentence. wish is what the agent understood:
// the draft itself holds only the digest of what was said.
func (v voice) intent(i *delegation.ISR, wish phrase, l delegation.Language) ([]string, error) {
	if err := sayable(i); err != nil {
		return nil, err
	}
	merchants, err := v.list(i.Ext.Commerce.AllowedMerchants, "ext.commerce.allowed_merchants", l)
	if err != nil {
		return nil, err
	}
	methods, err := v.list(i.AllowedPaymentMethods, "allowed_payment_methods", l)
	if err != nil {
		return nil, err
	}
	single, err := i.Ext.Commerce.MaxSingleAmount.Amount(stage.CNY)
	if err != nil {
		return nil, protocol.In(err, "ext.commerce.max_single_amount")
	}
	total, err := i.MaxTotalAmount.Amount(stage.CNY)
	if err != nil {
		return nil, protocol.In(err, "max_total_amount")
	}
	return []string{
		phrase{"I heard: ", "我听到的是："}.in(l) + wish.in(l) + phrase{".", "。"}.in(l),
		phrase{"Only from " + merchants + ", and by " + methods + ".", "只在" + merchants + "买，用" + methods + "支付。"}.in(l),
		phrase{
			"At most " + yuan(single, l) + " each time and " + yuan(total, l) + " in all, until " + v.clock(i.ValidityEnd, l) + ".",
			"每次最多" + yuan(single, l) + "，总共最多" + yuan(total, l) + "，" + v.clock(i.ValidityEnd, l) + "之前有效。",
		}.in(l),
		phrase{"You confirm each payment on your phone. Is that right?", "每一笔都由您在手机上确认。对吗？"}.in(l),
	}, nil
}

// sayable refuses a draft that says more, or less, than a voice can.
func sayable(i *delegation.ISR) error {
	switch c := i.Ext; {
	case i.Currency != stage.CNY.Code():
		return unsaid("currency")
	case c == nil || c.Commerce == nil:
		return unsaid("ext.commerce")
	case !reflect.DeepEqual(*c, delegation.Ext{Commerce: &delegation.Commerce{
		AllowedMerchants: c.Commerce.AllowedMerchants, MaxSingleAmount: c.Commerce.MaxSingleAmount,
	}}):
		return unsaid("ext")
	}
	return nil
}

func unsaid(field string) error {
	return protocol.New(protocol.CodeFieldInvalid, field, "ADD-INT-ICS-05", "cannot be said aloud; show it")
}

// list names identifiers. One without a name cannot be said, and neither can
// "anything".
func (v voice) list(ids []string, field string, l delegation.Language) (string, error) {
	var names []string
	for _, id := range ids {
		name, ok := v.names[id]
		if !ok {
			return "", unsaid(field)
		}
		names = append(names, name.in(l))
	}
	if names == nil {
		return "", unsaid(field)
	}
	return strings.Join(names, phrase{" or ", "或"}.in(l)), nil
}

// yuan is an amount as people say it.
func yuan(a money.Amount, l delegation.Language) string {
	whole, jiao, fen := a.Minor()/100, a.Minor()/10%10, a.Minor()%10
	if l != delegation.Chinese {
		if jiao == 0 && fen == 0 {
			return fmt.Sprintf("%d yuan", whole)
		}
		return fmt.Sprintf("%d yuan and %d fen", whole, 10*jiao+fen)
	}
	out := fmt.Sprintf("%d元", whole)
	if jiao > 0 {
		out += fmt.Sprintf("%d角", jiao)
	} else if fen > 0 {
		out += "零"
	}
	if fen > 0 {
		out += fmt.Sprintf("%d分", fen)
	}
	return out
}

// clock is a time as people say it, to the minute.
func (v voice) clock(t time.Time, l delegation.Language) string {
	t, today := t.In(v.zone), v.now().In(v.zone)
	near := func(days int) bool { return t.Format(time.DateOnly) == today.AddDate(0, 0, days).Format(time.DateOnly) }
	if l != delegation.Chinese {
		at := t.Format("3:04 pm")
		if t.Minute() == 0 {
			at = t.Format("3 pm")
		}
		switch {
		case near(0):
			return at + " today"
		case near(1):
			return at + " tomorrow"
		}
		return at + t.Format(" on 2 January")
	}
	day := fmt.Sprintf("%d月%d日", t.Month(), t.Day())
	if near(0) {
		day = "今天"
	} else if near(1) {
		day = "明天"
	}
	hour := t.Hour()
	if hour > 12 {
		hour -= 12
	}
	at := fmt.Sprintf("%d点", hour)
	if t.Minute() > 0 {
		at += fmt.Sprintf("%d分", t.Minute())
	}
	return day + partOfDay(t.Hour()) + at
}

func partOfDay(hour int) string {
	switch {
	case hour < 6:
		return "凌晨"
	case hour < 12:
		return "上午"
	case hour < 13:
		return "中午"
	case hour < 18:
		return "下午"
	}
	return "晚上"
}
