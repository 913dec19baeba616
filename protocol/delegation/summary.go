package delegation

import (
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol/canon"
)

// A Language is the language of a summary.
type Language string

// The languages of summaries. Any other is answered in English.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// Summary returns the ISR as short lines for a person to read and confirm: the
// goal in the person's own words and every main boundary (ADD-INT-ICS-05).
//
// Nothing that restricts or permits is left out, and what is not restricted is
// said to be so. Text from outside appears with control and other invisible
// characters escaped, so that it cannot imitate a line of the summary.
func (i *ISR) Summary(lang Language) string {
	s := summary{zh: lang == Chinese}
	s.line("Goal", "目标", s.goal(i.ConversationHistory))
	s.line("Agent", "智能体", s.or(i.AgentID, "not chosen", "未指定"))
	s.line("Delegation", "委托模式", s.mode(i.DelegationMode))
	s.line("Valid", "有效期", s.window(i.ValidityStart, i.ValidityEnd))
	s.line("At most in total", "总金额上限", s.amount(i.MaxTotalAmount, i.Currency))
	c := i.Ext.commerce()
	s.line("At most per payment", "单笔上限", s.amount(c.MaxSingleAmount, i.Currency))
	if c.MinSingleAmount != "" {
		s.line("At least per payment", "单笔下限", s.amount(c.MinSingleAmount, i.Currency))
	}
	s.line("Payment methods", "支付方式", s.list(i.AllowedPaymentMethods, "any", "不限"))
	s.line("Merchants", "商户", s.list(c.AllowedMerchants, "any", "不限"))
	if c.ForbiddenMerchants != nil {
		s.line("Never these merchants", "禁止商户", s.list(c.ForbiddenMerchants, "none", "无"))
	}
	s.line("Categories", "品类", s.list(c.AllowedCategories, "any", "不限"))
	if c.ForbiddenCategories != nil {
		s.line("Never these categories", "禁止品类", s.list(c.ForbiddenCategories, "none", "无"))
	}
	s.behavior(i.Ext.behavior())
	s.fulfillment(i.Ext.fulfillment())
	if i.Ext != nil && i.Ext.VendorPrivate != nil {
		s.line("Private data", "私有扩展", s.pick("attached; it changes nothing above", "已附带，不改变以上内容"))
	}
	return s.b.String()
}

// A summary collects the lines in one of two languages.
type summary struct {
	b  strings.Builder
	zh bool
}

func (s *summary) pick(en, zh string) string {
	if s.zh {
		return zh
	}
	return en
}

func (s *summary) line(en, zh, value string) {
	s.b.WriteString(s.pick(en, zh))
	s.b.WriteString(s.pick(": ", "："))
	s.b.WriteString(value)
	s.b.WriteByte('\n')
}

// visible escapes what a person would not see, by Go's rules for strings.
func visible(v string) string {
	quoted := strconv.Quote(v)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

func (s *summary) or(v, en, zh string) string {
	if v == "" {
		return s.pick(en, zh)
	}
	return visible(v)
}

// goal is what the principal said: the text, or the principal's own turns.
func (s *summary) goal(h *ConversationHistory) string {
	if h == nil {
		return s.pick("not stated", "未说明")
	}
	if h.Raw.Text != "" {
		return visible(h.Raw.Text)
	}
	var said []string
	for _, t := range h.Raw.Turns {
		if t.Role == SpeakerUser {
			said = append(said, visible(t.Content))
		}
	}
	if said == nil {
		return s.pick("recorded at ", "记录于 ") + visible(h.ContextRef)
	}
	return strings.Join(said, " / ")
}

func (s *summary) mode(m Mode) string {
	switch m {
	case Specified:
		return s.pick("specified: the goal and the merchants are settled", "定向委托：购买目标与商户已锁定")
	case Bounded:
		return s.pick("bounded: the agent chooses inside these boundaries", "边界委托：智能体在边界内自主决策")
	default:
		return s.pick("not chosen", "未指定")
	}
}

func (s *summary) window(start, end time.Time) string {
	if start.IsZero() || end.IsZero() {
		return s.pick("not stated", "未说明")
	}
	return s.pick("from ", "自 ") + canon.FormatTime(start) + s.pick(" until before ", " 起，至 ") +
		canon.FormatTime(end) + s.pick("", " 前")
}

func (s *summary) amount(n Number, currency string) string {
	if n == "" {
		return s.pick("no limit of its own", "未单独限制")
	}
	return visible(string(n)) + " " + s.or(currency, "(currency not stated)", "（币种未说明）")
}

func (s *summary) list(entries []string, en, zh string) string {
	if len(entries) == 0 {
		return s.pick(en, zh)
	}
	shown := make([]string, len(entries))
	for i, e := range entries {
		shown[i] = visible(e)
	}
	return strings.Join(shown, s.pick(", ", "、"))
}

func (s *summary) behavior(b AgentBehavior) {
	if b.PriceDeviationTolerance != "" {
		s.line("Price may move by", "价格浮动容差", visible(string(b.PriceDeviationTolerance))+"%")
	}
	switch b.PriceDeviationAction {
	case PauseAndNotify:
		s.line("If it moves further", "超出容差时", s.pick("pause and ask", "暂停并通知"))
	case AutoCancel:
		s.line("If it moves further", "超出容差时", s.pick("cancel", "自动取消"))
	}
	switch b.OnPaymentFailure {
	case AutoRetry:
		s.line("If a payment fails", "支付失败时", s.pick("try again", "自动重试"))
	case Cancel:
		s.line("If a payment fails", "支付失败时", s.pick("cancel", "取消"))
	}
	if b.MaxRetryCount != nil {
		s.line("Retries at most", "最大重试次数", strconv.Itoa(*b.MaxRetryCount))
	}
}

func (s *summary) fulfillment(f Fulfillment) {
	if f.DeliveryTimeRequirement != "" {
		s.line("Deliver by", "履约时效", visible(f.DeliveryTimeRequirement))
	}
	if f.DeliveryAddress != "" {
		s.line("Deliver to", "配送地址", visible(f.DeliveryAddress))
	}
}
