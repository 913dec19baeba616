package page

import "github.com/actprotocol/act-go/protocol"

// frame are the words of the frame and the passkey form.
type frame struct {
	Skip, Languages, Provider, NoScript, Unsupported, Working, Failed string
}

var frames = map[Language]frame{
	English: {
		Skip: "Skip to the content", Languages: "Language", Provider: "Payment service provider",
		NoScript:    "A passkey needs JavaScript, which is off in this browser.",
		Unsupported: "This browser cannot use passkeys.",
		Working:     "Follow your browser…", Failed: "The passkey was not used. You can try again.",
	},
	Chinese: {
		Skip: "跳到正文", Languages: "语言", Provider: "支付服务商",
		NoScript:    "使用通行密钥需要 JavaScript，而此浏览器已将其关闭。",
		Unsupported: "此浏览器无法使用通行密钥。",
		Working:     "请按浏览器的提示操作…", Failed: "未使用通行密钥。您可以重试。",
	},
}

// explanations are what people are told of a code. None says more than the code.
var explanations = map[protocol.Code]Words{
	protocol.CodePrincipalMismatch:   {English: "This passkey belongs to another person.", Chinese: "此通行密钥属于其他人。"},
	protocol.CodeKeyUnknown:          {English: "This passkey is not known here, or was removed.", Chinese: "此处没有这个通行密钥，或它已被移除。"},
	protocol.CodeKeyNotValid:         {English: "This passkey can no longer be trusted. Please ask your payment service provider.", Chinese: "此通行密钥已不可信。请联系您的支付服务商。"},
	protocol.CodeSignatureInvalid:    {English: "The passkey did not confirm what is shown here.", Chinese: "通行密钥确认的内容与此处所示不符。"},
	protocol.CodeReplayed:            {English: "This confirmation was used before. Please confirm again.", Chinese: "此确认已使用过。请再次确认。"},
	protocol.CodeOrderMismatch:       {English: "What you confirmed is not what is shown here. Please check and confirm again.", Chinese: "您确认的内容与此处所示不同。请核对后再次确认。"},
	protocol.CodeConfirmationFailed:  {English: "It was declined, or not confirmed in time.", Chinese: "已被拒绝，或未在规定时间内确认。"},
	protocol.CodeBalanceInsufficient: {English: "There is not enough money in the account.", Chinese: "账户余额不足。"},
	protocol.CodeOrderPaid:           {English: "The order has been paid in another way.", Chinese: "此订单已通过其他方式支付。"},
	protocol.CodeOrderExpired:        {English: "The order is no longer open.", Chinese: "此订单已失效。"},
	protocol.CodeInstrumentInvalid:   {English: "The account, or the permission to pay from it, cannot be used.", Chinese: "该账户或其付款授权不可用。"},
	protocol.CodeRiskRefused:         {English: "The payment service provider refused it.", Chinese: "支付服务商已拒绝。"},
	protocol.CodeExecutionFailed:     {English: "The money could not be moved.", Chinese: "款项未能划转。"},
	protocol.CodeSubAccountKey:       {English: "The agent's key for the sub-account was used before.", Chinese: "智能体为该子账户提供的密钥已被使用过。"},
	protocol.CodeTradeUnknown:        {English: "There is no such payment here.", Chinese: "此处没有这笔付款。"},
	protocol.CodeContextUnknown:      {English: "There is no such page here. Please check the link.", Chinese: "此处没有该页面。请检查链接。"},
	protocol.CodeStateConflict:       {English: "It was decided or used before.", Chinese: "此前已作出决定或已被使用。"},
	protocol.CodeRequestExpired:      {English: "The time for it is over.", Chinese: "已超过有效时间。"},
	protocol.CodeConstraintConflict:  {English: "You can lower the limits, not raise them.", Chinese: "您只能降低限额，不能提高。"},
	protocol.CodeFieldMissing:        {English: "Something is missing. Please try again.", Chinese: "缺少必要内容。请重试。"},
	protocol.CodeFieldInvalid:        {English: "Something is not as it has to be. Please check it.", Chinese: "有内容不符合要求。请检查。"},
	protocol.CodeTooLarge:            {English: "That is too much at once.", Chinese: "内容过大。"},
	protocol.CodeAccessDenied:        {English: "That came from another page, and was not carried out.", Chinese: "该操作来自其他页面，未予执行。"},
	protocol.CodeOutcomeUnknown:      {English: "It is not known yet whether it was carried out. Please look again in a moment.", Chinese: "尚不清楚是否已执行。请稍后再查看。"},
}

var (
	undetermined = Words{English: "That did not work just now. Nothing is lost; please try again.", Chinese: "暂时无法完成。没有任何损失，请重试。"}
	otherwise    = Words{English: "That is not possible.", Chinese: "无法完成此操作。"}
)

// Explain is what a person is told of a code.
func (l Language) Explain(code protocol.Code) string {
	if w, ok := explanations[code]; ok {
		return w.In(l)
	}
	if !code.Known() || code.Outcome() == protocol.Undetermined {
		return undetermined.In(l)
	}
	return otherwise.In(l)
}
