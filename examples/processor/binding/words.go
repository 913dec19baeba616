package binding

import (
	"fmt"
	"time"

	"github.com/actprotocol/act-go/examples/processor/internal/page"
)

// words are those of the pages.
type words struct {
	Title, LowerTitle, EnrolTitle, Bound, Refused, Failed, Enrolled, LinkOver string // titles
	AsksToken, AsksSub, InAll, Lowered, NoteToken, NoteSub, NothingBound      string
	BoundToken, BoundSub, EnrolWhy, EnrolNote, EnrolledWhy, LinkOverWhy       string

	Limits, Account, Owner, Agent, Currency, Decide, LinkUntil string
	Ceiling, From, FromNow, Until, Merchants, AnyMerchant      string
	Total, Single, Task, Balance, Within, WithinNone, NoLimit  string

	Allow, Lower, Decline, Create, Continue, Back                  string // buttons
	LowerWhy, Asked, AsAsked, TooMuch, NoAmount, NoMerchant, Check string
	after                                                          [4]string // of shorter
	days, hours, minutes, seconds                                  string
}

var texts = map[page.Language]words{
	page.English: {
		Title: "May this agent pay for you?", LowerTitle: "Lower the limits", EnrolTitle: "Create your passkey", Bound: "Allowed", Refused: "Not allowed",
		Failed: "This did not work", Enrolled: "Your passkey is ready", LinkOver: "This link is over",
		AsksToken: "asks to pay from your account, on its own, within the limits below.", AsksSub: "asks for a sub-account of yours, to pay from it on its own, within the limits below.",
		InAll: "It could spend in all at most", Lowered: "You have lowered what the agent asked for.",
		NoteToken:    "The agent never sees your account. You can have this permission frozen or cancelled at any time.",
		NoteSub:      "The sub-account begins empty: the agent can spend only what is moved into it. You can have it frozen or cancelled at any time.",
		NothingBound: "The agent got nothing.",
		BoundToken:   "The agent can now pay from your account within these limits. You can have this frozen or cancelled at any time.",
		BoundSub:     "The sub-account is open. The agent can spend what is moved into it, within these limits.",
		EnrolWhy:     "With a passkey you confirm payments, and what agents may do, by your fingerprint, face or PIN. Nobody else can.",
		EnrolNote:    "This link works once and is for you alone. If it came to you by mistake, do not use it.",
		EnrolledWhy:  "You can confirm payments with it now. This link cannot be used again.", LinkOverWhy: "It was not used in time. Please ask your payment service provider for a new one.",
		Limits: "Limits", Account: "Account", Owner: "Account of", Agent: "Agent", Currency: "Currency", Decide: "Decide before", LinkUntil: "Link good until",
		Ceiling: "All payments together", From: "From", FromNow: "as soon as you allow it", Until: "Until", Merchants: "Merchants", AnyMerchant: "any merchant",
		Total: "All payments together", Single: "One payment", Task: "All payments of one task", Balance: "Most it may hold", Within: "All payments within %s", WithinNone: "In any period", NoLimit: "no limit",
		Allow: "Allow with passkey", Lower: "Lower the limits", Decline: "Do not allow", Create: "Create a passkey", Continue: "Continue", Back: "Back",
		LowerWhy: "You can allow less than the agent asked for, never more.", Asked: "Asked for:", AsAsked: "As asked:", TooMuch: "More than was asked for. At most:",
		NoAmount: "Please write an amount above zero, like 25.00.", NoMerchant: "Please leave at least one.", Check: "Please check what is marked below.",
		after: [4]string{"One hour from now", "One day from now", "One week from now", "Thirty days from now"},
		days:  "%d days", hours: "%d hours", minutes: "%d minutes", seconds: "%d seconds",
	},
	page.Chinese: {
		Title: "允许此智能体为您付款吗？", LowerTitle: "降低限额", EnrolTitle: "创建您的通行密钥", Bound: "已允许", Refused: "未允许",
		Failed: "操作未成功", Enrolled: "通行密钥已就绪", LinkOver: "此链接已失效",
		AsksToken: "请求在以下限额内自行从您的账户付款。", AsksSub: "请求开立您名下的子账户，并在以下限额内自行用其付款。",
		InAll: "累计最多可支出", Lowered: "您已降低智能体所请求的限额。",
		NoteToken:    "智能体看不到您的账户信息。您可以随时要求冻结或取消此授权。",
		NoteSub:      "子账户开立时没有余额：智能体只能使用转入其中的款项。您可以随时要求冻结或注销。",
		NothingBound: "智能体没有获得任何权限。",
		BoundToken:   "智能体现在可以在这些限额内从您的账户付款。您可以随时要求冻结或取消。",
		BoundSub:     "子账户已开立。智能体可以在这些限额内使用转入其中的款项。",
		EnrolWhy:     "有了通行密钥，您可以用指纹、面容或 PIN 码确认付款和智能体的权限。其他人无法代替您确认。",
		EnrolNote:    "此链接只能使用一次，仅供您本人使用。如果您误收到此链接，请不要使用。",
		EnrolledWhy:  "现在可以用它确认付款。此链接不能再次使用。", LinkOverWhy: "链接未在有效期内使用。请向您的支付服务商索取新链接。",
		Limits: "限额", Account: "账户", Owner: "账户所有人", Agent: "智能体", Currency: "币种", Decide: "请在此前决定", LinkUntil: "链接有效期至",
		Ceiling: "累计付款", From: "开始时间", FromNow: "允许后立即开始", Until: "结束时间", Merchants: "商户", AnyMerchant: "任意商户",
		Total: "累计付款", Single: "单笔付款", Task: "单个任务的全部付款", Balance: "最高余额", Within: "任意 %s内累计付款", WithinNone: "任意时段内累计付款", NoLimit: "无限额",
		Allow: "用通行密钥允许", Lower: "降低限额", Decline: "不允许", Create: "创建通行密钥", Continue: "继续", Back: "返回",
		LowerWhy: "您可以允许少于智能体所请求的限额，不能更多。", Asked: "请求：", AsAsked: "按请求：", TooMuch: "超过所请求的限额。最多：",
		NoAmount: "请填写大于零的金额，例如 25.00。", NoMerchant: "请至少保留一个商户。", Check: "请检查下面标出的内容。",
		after: [4]string{"从现在起一小时", "从现在起一天", "从现在起一周", "从现在起三十天"},
		days:  "%d 天", hours: "%d 小时", minutes: "%d 分钟", seconds: "%d 秒",
	},
}

// period writes a length of time in the largest unit of which it has several: a
// day is 24 hours.
func (w words) period(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		text string
	}{{24 * time.Hour, w.days}, {time.Hour, w.hours}, {time.Minute, w.minutes}} {
		if d%u.unit == 0 && d >= 2*u.unit {
			return fmt.Sprintf(u.text, d/u.unit)
		}
	}
	return fmt.Sprintf(w.seconds, d/time.Second)
}
