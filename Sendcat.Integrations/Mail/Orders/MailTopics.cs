using System.Text.RegularExpressions;

namespace Sendcat.Integrations.Mail.Orders;

/// <summary>Classifies mails by their words. The subject decides; the text only when the subject says nothing.</summary>
internal static class MailTopics
{
    private static readonly Regex Refund = LinearRegex.Of(
        @"\b(refund\w*|returned|your\s+return|return\s+(request|label|received|approved|started)|cancel(l)?ed|cancel(l)?ation"
            + @"|rembours\w*|annul[eé]\w*|reembolso|devoluci[oó]n|cancelad[oa]|erstattung|r[uü]ckerstattung|storniert\w*|rimborso"
            + @"|annullato|estorno|zwrot|terugbetaling|geannuleerd"
            + @"|[aå]terbetal\w*|avbest[aä]ll\w*|tilbagebetal\w*|refusjon|annulleret|kansellert|peruutet\w*|iade\s+edil\w*|iptal\s+edil\w*"
            + @"|возврат\w*|отмен[её]н\w*)|返金|キャンセル|退款|取消|환불|취소");

    private static readonly Regex NotYetDelivered = LinearRegex.Of(
        @"\b(out\s+for\s+delivery|to\s+be\s+delivered|will\s+be\s+delivered|being\s+delivered|not\s+(been\s+)?delivered|undelivered"
            + @"|could\s+not\s+be\s+delivered|delivery\s+(attempt|exception|estimate|update|delayed|by)|estimated\s+delivery"
            + @"|delivered\s+(by|on|tomorrow)\s+(mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
            + @"|tomorrow)\w*)");

    private static readonly Regex Delivered = LinearRegex.Of(
        @"\b(delivered|ready\s+for\s+(pick[\s-]?up|collection)|available\s+for\s+(pick[\s-]?up|collection)|collect\s+your\s+package"
            + @"|livr[eé]e?s?|entregad[oa]s?|entregue|zugestellt|consegnat[oa]|bezorgd|geleverd"
            + @"|levererat|levererad|l[aä]mnats\s+ut|utl[aä]mnad|leveret|levert|toimitettu|teslim\s+edildi"
            + @"|dor[eę]czon[aoy]|доставлен\w*)|配達完了"
            + @"|お届け済み|配達が完了|已签收|已送达|배송\s*완료");

    private static readonly Regex Shipment = LinearRegex.Of(
        @"\b(shipped|dispatch(ed)?|despatch(ed)?|posted|on\s+(the|its|their)\s+way|out\s+for\s+delivery|shipment|shipping\s+(update"
            + @"|confirmation|notification)|in\s+transit|arriving|on\s+the\s+move|package|parcel|tracking|received\s+at|has\s+arrived"
            + @"|landed|customs|delivery\s+(attempt|update|delayed)"
        + @"|exp[eé]di[eé]\w*|colis|enviad[oa]|env[ií]o|en\s+camino|a\s+caminho|versandt|versendet|unterwegs|sendung|paket|spedit[oa]"
        + @"|spedizione|verzonden|onderweg"
            + @"|skicka(d|t|ts)|f[oö]rs[aä]ndelse|p[aå]\s+(v[aä]g|vei|vej)|(af)?sendt|pakke\w*|l[aä]hetetty|l[aä]hetys"
            + @"|wys[łl]an\w*|przesy[łl]k\w*|отправлен\w*|посылк\w*|kargo\w*)|発送|出荷|配送|已发货|已發貨|发货|运单|包裹|배송"
        + @"|발송|출고");

    private static readonly Regex Ordered = LinearRegex.Of(
        @"\b(orders?|ordered|purchases?|bought|commande|pedidos?|compra|bestell\w*|auftrags\w*|ordine|acquisto|bestelling"
            + @"|zam[oó]wieni\w*|заказ\w*|best[aä]llning\w*|bestilling\w*|tilau[ks]\w*|sipari[sş]\w*)|ご注文|注文|订单|訂單|주문");

    private static readonly Regex Receipt = LinearRegex.Of(
        @"\b(receipt|invoice|payment|paid|subscription|renew\w*|statement|trip|ride|fare|membership|top[\s-]?up|bill|facture|re[cç]u"
            + @"|recibo|factura|rechnung|quittung|fattura|ricevuta|paragon|kvitto|kvittering|kuitti|чек)\b|領収書|发票|영수증");

    private static readonly Regex Promotion = LinearRegex.Of(
        @"\b(sale|deals?|coupons?|promo\w*|clearance|flash|last\s+chance|save|savings|discount\w*|offer|offers|new\s+(arrivals?|in)"
            + @"|just\s+dropped|limited\s+time|black\s+friday|cyber\s+monday|gift\s+guide|exclusive|free\s+(shipping|gift)|bonus|win"
            + @"|rewards?|points|spin|unlock|wishlist|(left|waiting)\s+(\w+\s+)?in\s+your\s+(cart|bag|basket)|forgot\s+something"
            + @"|still\s+interested|review\s+your|rate\s+your|oferta\w*|descuento\w*|rebajas|soldes|promotion\w*|angebot\w*|rabatt\w*"
            + @"|sconto|saldi|скидк\w*|распродаж\w*)\b|%\s*off|\d+\s*%|セール|クーポン|优惠|折扣|세일");

    private static readonly Regex ShipsTo = LinearRegex.Of(
        @"\b(ship(ping|s)?\s+(to|address)|deliver(y|s)?\s+(to|address)|shipping\s+method|(estimated|expected)\s+(delivery|arrival)"
            + @"|arriv(es|ing)|ships?\b|dispatch\w*|will\s+(ship|be\s+shipped)|when\s+(it|your\s+order)\s+ships|lieferadresse|versand\w*"
            + @"|livraison|direcci[oó]n\s+de\s+env[ií]o|env[ií]o|spedizione|verzend\w*|wysy[łl]k\w*|доставк\w*)|お届け|配送|收货|배송지");

    private static readonly Regex CodeWithoutParcel = LinearRegex.Of(
        @"\b(verification|security|one[\s-]?time|login|sign[\s-]?in|password|newsletter|survey|feedback|verify)\b");

    /// <summary>The kind of a mail.</summary>
    /// <param name="subject">Its subject.</param>
    /// <param name="text">Subject and text.</param>
    /// <param name="hasKey">Whether an order number or a tracking number was found in it.</param>
    /// <param name="isBulk">Whether it offers to unsubscribe.</param>
    public static MailTopic Of(string subject, string text, bool hasKey, bool isBulk)
    {
        if (Refund.IsMatch(subject))
        {
            return MailTopic.Refund;
        }

        if (Promotion.IsMatch(subject) && !hasKey)
        {
            return MailTopic.Promotion;
        }

        if (Delivered.IsMatch(subject) && !NotYetDelivered.IsMatch(subject))
        {
            return MailTopic.Delivery;
        }

        if (CodeWithoutParcel.IsMatch(subject) && !hasKey)
        {
            return MailTopic.Other;
        }

        if (Shipment.IsMatch(subject))
        {
            return isBulk && !hasKey && !ShipsTo.IsMatch(text) ? MailTopic.Promotion : MailTopic.Shipment;
        }

        if (Receipt.IsMatch(subject))
        {
            return ShipsTo.IsMatch(text) ? MailTopic.Order : MailTopic.Receipt;
        }

        if (Ordered.IsMatch(subject))
        {
            return MailTopic.Order;
        }

        if (!hasKey)
        {
            return Promotion.IsMatch(text) && isBulk ? MailTopic.Promotion : MailTopic.Other;
        }

        return Delivered.IsMatch(text) && !NotYetDelivered.IsMatch(text)
            ? MailTopic.Delivery
            : Shipment.IsMatch(text)
            ? MailTopic.Shipment
            : Ordered.IsMatch(text)
            ? MailTopic.Order
            : MailTopic.Other;
    }
}
