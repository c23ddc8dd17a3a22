using System.Text.RegularExpressions;

namespace Sendcat.Integrations.Mail.Prices;

/// <summary>Finds what an order costs in all: an amount behind a word for the total. A subtotal, a saving or a refund is none.</summary>
internal static class Totals
{
    /// <summary>Characters between a label and its amount.</summary>
    private const int Reach = 60;

    private const string Best =
        @"grand\s+total|order\s+total|total\s+(charged|paid|due|amount|for\s+this\s+order|price|cost|payment)|amount\s+(paid|charged"
            + @"|due)|total\s+de\s+(la\s+commande|tu\s+pedido)|total\s+del\s+pedido|importe\s+total"
        + @"|montant\s+total|total\s+ttc|gesamt(betrag|summe|preis)?|endbetrag|totale\s+(ordine|complessivo)|valor\s+total"
        + @"|total\s+do\s+pedido|totaalbedrag|totaal|totalsumma|samlet\s+bel[oø]b|yhteens[aä]"
        + @"|genel\s+toplam|razem|łącznie|do\s+zapłaty|итого|к\s+оплате|total\s+incl\w*|charged\s+to";

    private const string AsianBest = "ご請求額|請求金額|合計金額|お支払い金額|合計|总计|总额|实付款|實付金額|總計|訂單總額|订单总额|총\\s*결제\\s*금액|총액|합계";

    private const string Not =
        @"sub-?\s?total\w*|zwischensumme|sous-total|subtotale|items?\s+total|merchandise\s+total|total\s+(before|savings?|saved|discount"
            + @"|items?|weight|tax|qty|quantity|shipping|refund\w*|points)|total\s+of\s+items|refund\s+total"
        + @"|estimated\s+tax|you\s+saved?|mezisoučet|подытог|小計|小计|商品合計|subtotaal";

    private static readonly Regex Labels = LinearRegex.Of($@"(?<not>\b({Not}))|(?<best>\b({Best})\b|{AsianBest})|(?<plain>\btotals?\b)");

    /// <summary>The totals of the text, best labels first, each in the order of the text.</summary>
    public static IReadOnlyList<(PriceMatch Match, bool IsBest)> Find(string text, string? country)
    {
        var found = new List<(PriceMatch, bool)>();
        var next = Labels.Match(text);
        while (next.Success && found.Count < 50)
        {
            var label = next;
            next = next.NextMatch();
            var from = label.Index + label.Length;
            var to = Math.Min(Math.Min(text.Length, from + Reach), next.Success ? next.Index : text.Length);
            if (label.Groups["not"].Success || to <= from)
            {
                continue;
            }

            if (AmountAfter(text, from, to, country) is { } match)
            {
                found.Add((match, label.Groups["best"].Success));
            }
        }

        return [.. found.OrderByDescending(total => total.Item2)];
    }

    /// <summary>The first amount after the label. An amount on a line with other words of its own belongs to those.</summary>
    private static PriceMatch? AmountAfter(string text, int from, int to, string? country)
    {
        // The whole last number is read, even if it crosses the reach.
        var end = to;
        while (end < text.Length && end < to + 20 && text[end] != '\n')
        {
            end++;
        }

        var match = PriceTexts.Find(text, from, end - from, country).FirstOrDefault();
        if (match is null || match.Start > to)
        {
            return null;
        }

        var between = text.AsSpan(from, match.Start - from);
        var line = between.LastIndexOf('\n') is >= 0 and var cut ? between[(cut + 1)..] : default;
        return Letters(line) > 0 || Letters(between) > 30 ? null : match;
    }

    private static int Letters(ReadOnlySpan<char> text)
    {
        var letters = 0;
        foreach (var letter in text)
        {
            letters += char.IsLetter(letter) ? 1 : 0;
        }

        return letters;
    }
}
