using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Mail.Merchants;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Prices;
using Sendcat.Integrations.Mail.Senders;
using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.Integrations.Extraction;

/// <summary>
/// Finds the orders and parcels of mails and messages: by the sender's markup, else by the parser of its merchant, else by a model, of
/// whose answer only what the mail contains is kept. A mail can change nothing but the fields that it contains.
/// </summary>
public sealed class OrderExtraction
{
    private const double MostConfidenceOfStranger = 0.65;
    private const double MostConfidenceClaimed = 0.65;
    private const double MostConfidenceForwarded = 0.5;
    private const double MostConfidenceUnproven = 0.4;

    /// <summary>A number that a mail calls an order number. It only decides whether a mail is worth a model call.</summary>
    private static readonly Regex OrderLabel = LinearRegex.Of(
        @"\b(orders?|purchase|bestell\w*|commande|pedido|ordine|bestelling|zam[oó]wieni\w*|заказ\w*|sipari[sş]\w*)\s*(number|no\.?|nr\.?"
            + @"|id|n[°º.]|numero|n[uú]mero|numer\w*|номер|ref\w*)?(\s+|\s*[:#№]\s*)#?\s*[A-Z]{0,6}-?[0-9][A-Z0-9-]{2,}"
        + @"|(注文番号|订单号|订单编号|訂單編號|訂單號碼|주문\s*번호)\s*[:：]?\s*[A-Z0-9-]{4,}");

    private readonly ExtractionModel _model;
    private readonly ILogger<OrderExtraction> _logger;

    private readonly Lazy<Task> _rehearsal;

    internal OrderExtraction(ExtractionModel model, ILogger<OrderExtraction> logger)
    {
        (_model, _logger) = (model, logger);
        _rehearsal = new(RehearseAsync);
    }

    /// <summary>
    /// Completes when the first extraction costs no more than later ones: the patterns are compiled, and built-in texts were extracted. The
    /// first call starts it. Extractions wait only for the patterns.
    /// </summary>
    public Task PrepareAsync(CancellationToken cancellationToken) => _rehearsal.Value.WaitAsync(cancellationToken);

    /// <summary>Extracts the orders of a mail, or of the mails that it forwards.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async Task<MailExtraction> ExtractAsync(ReadMail mail, CancellationToken cancellationToken)
    {
        await ExtractionPatterns.CompileAsync(cancellationToken);
        if (mail.Originals.Count == 0)
        {
            return await ExtractOneAsync(mail, cancellationToken);
        }

        MailExtraction? all = null;
        foreach (var original in mail.Originals)
        {
            var one = await ExtractAsync(original, cancellationToken);
            all = all is null ? one : Join(all, one);
        }

        return all!;
    }

    /// <summary>Extracts the orders of a message that a user wrote or forwarded to us.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async Task<MailExtraction> ExtractTextAsync(string text, CancellationToken cancellationToken)
    {
        await ExtractionPatterns.CompileAsync(cancellationToken);
        return await ExtractOneAsync(MailReader.OfUserText(text), cancellationToken);
    }

    /// <summary>
    /// Extracts the orders that a picture or PDF of a user shows. Its orders have a confidence below 0.7 and may not be announced without
    /// the user's confirmation.
    /// </summary>
    /// <param name="picture">The file.</param>
    /// <param name="mediaType">For example <c>image/jpeg</c>.</param>
    /// <param name="caption">What the user wrote beside it; may be empty.</param>
    /// <param name="cancellationToken">Cancels the extraction.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async Task<MailExtraction> ExtractPictureAsync(
        ReadOnlyMemory<byte> picture, string mediaType, string caption, CancellationToken cancellationToken)
    {
        await ExtractionPatterns.CompileAsync(cancellationToken);
        var message = MailReader.OfUserText(caption);
        var reply = await _model.ReadPictureAsync(picture, mediaType, ExtractionPrompt.Document(message.Text), cancellationToken);
        if (reply.Answer is not { } answer)
        {
            return new() { Kind = MailTopic.Other, Path = ExtractionPath.None, ModelCalls = reply.Calls, Failure = reply.Failure };
        }

        var (orders, dropped) = Grounding.OfPicture(message, answer);
        return Of(answer, answer.Kind ?? MailTopic.Other, orders, dropped, reply);
    }

    private async Task RehearseAsync()
    {
        // Also without another thread: extractions that begin meanwhile need those that there are.
        await ExtractionPatterns.CompileAsync(CancellationToken.None);
        for (var round = 0; round < ExtractionRehearsal.Rounds; round++)
        {
            await ExtractOneAsync(MailReader.Read(ExtractionRehearsal.Mail), _model.RehearseAsync, CancellationToken.None);
            await ExtractOneAsync(MailReader.OfUserText(ExtractionRehearsal.Message), _model.RehearseAsync, CancellationToken.None);
        }
    }

    private Task<MailExtraction> ExtractOneAsync(ReadMail mail, CancellationToken cancellationToken) =>
        ExtractOneAsync(mail, _model.ReadTextAsync, cancellationToken);

    private async Task<MailExtraction> ExtractOneAsync(ReadMail mail, AskModel ask, CancellationToken cancellationToken)
    {
        var country = DollarCountry.Of(mail.Text, mail.SenderDomain, Forwarders.IsNotice(mail.Text));
        var tracking = Tracking(mail);
        var marked = mail.Trust is SenderTrust.Unproven ? [] : MarkupOrders.Read(mail);
        var hasOrder = marked.Count > 0 || (mail.Merchant is { } own ? own.OrderNumber : OrderLabel).IsMatch(mail.Text);
        var parsed = mail.Merchant is { } merchant ? MerchantParser.Parse(merchant, mail, tracking, country) : [];
        var hasKey = hasOrder || tracking.Count > 0 || parsed.Any(order => order.Shipments.Count > 0);
        var kind = MarkupOrders.KindOf(mail) is { } stated && marked.Count > 0
            ? stated
            : MailTopics.Of(mail.Subject, mail.Text, hasKey, mail.IsBulk);
        if (marked.Count > 0 && kind is MailTopic.Other or MailTopic.Promotion or MailTopic.Receipt)
        {
            kind = MailTopic.Order;
        }

        if (marked.Count > 0)
        {
            return Of(kind, ExtractionPath.Markup, Complete(marked, parsed, mail, tracking, country));
        }

        if (kind is MailTopic.Receipt && tracking.Count > 0)
        {
            kind = MailTopic.Order;
        }

        if (kind is MailTopic.Promotion or MailTopic.Receipt
            || (kind is MailTopic.Other && !hasKey && mail.Trust is not SenderTrust.User))
        {
            return Of(kind, ExtractionPath.None, []);
        }

        return parsed.Count > 0
            ? Of(kind, ExtractionPath.Merchant, [.. parsed.Select(Limited)])
            : await AskAsync(ask, mail, kind, tracking, country, cancellationToken);
    }

    private async Task<MailExtraction> AskAsync(
        AskModel ask, ReadMail mail, MailTopic kind, IReadOnlyList<TrackingMatch> tracking, string? country,
        CancellationToken cancellationToken)
    {
        var reply = await ask(ExtractionPrompt.Document(mail.Text), cancellationToken);
        var answer = reply.Answer ?? new(null, [], false, 0.5);
        var (orders, dropped) = Grounding.OfText(mail, answer, tracking, country);
        if (dropped > 0)
        {
            _logger.ValuesDropped(dropped, reply.Model ?? "");
        }

        kind = kind is MailTopic.Other ? answer.Kind ?? kind : kind;
        return Of(answer, kind, kind is MailTopic.Promotion or MailTopic.Receipt ? [] : [.. orders.Select(Limited)], dropped, reply);
    }

    /// <summary>Fills what the markup leaves out from the text of the same mail.</summary>
    private static IReadOnlyList<ExtractedOrder> Complete(
        IReadOnlyList<ExtractedOrder> marked, IReadOnlyList<ExtractedOrder> parsed, ReadMail mail, IReadOnlyList<TrackingMatch> tracking,
        string? country)
    {
        var only = marked.Count == 1;
        var known = marked.SelectMany(order => order.Parcels).Select(parcel => parcel.TrackingNumber.Value)
            .Concat(marked.Select(order => TrackingFormats.Normalize(order.OrderNumber?.Value) ?? "")).ToHashSet(StringComparer.Ordinal);
        var total = only && marked[0].Total is null ? Totals.Find(mail.Text, country).Select(found => found.Match).FirstOrDefault() : null;
        return
        [
            .. marked.Select(order =>
            {
                var same = parsed.FirstOrDefault(other => other.OrderNumber?.Value == order.OrderNumber?.Value);
                var more = same?.Parcels ?? (only ? tracking.Select(match => MerchantParser.Parcel(mail.Text, match)) : []);
                return Limited(order with
                {
                    Total = order.Total ?? same?.Total ?? (total is null ? null : new(
                        total.Price, FieldSource.Format, 0.8, Evidence.InText(mail.Text, total.Start, total.Length))),
                    ItemsSummary = order.ItemsSummary ?? same?.ItemsSummary,
                    Parcels = [.. order.Parcels, .. more.Where(parcel => known.Add(parcel.TrackingNumber.Value))],
                    Shipments = same?.Shipments ?? (only ? [.. parsed.SelectMany(other => other.Shipments)] : []),
                });
            }),
        ];
    }

    /// <summary>The numbers of the text, and those that only an address of a link has.</summary>
    private static IReadOnlyList<TrackingMatch> Tracking(ReadMail mail)
    {
        var found = TrackingNumbers.Find(mail.Text).ToList();
        foreach (var match in mail.Links.Take(200).SelectMany(link => TrackingLinks.NumbersIn(link.Address)))
        {
            if (found.Count >= TrackingNumbers.MostNumbers)
            {
                break;
            }

            if (found.TrueForAll(other => other.Number != match.Number))
            {
                found.Add(match);
            }
        }

        return found;
    }

    /// <summary>Who cannot be proven to have written a mail makes its orders uncertain, however well they were read.</summary>
    private static ExtractedOrder Limited(ExtractedOrder order) => order with
    {
        Confidence = Math.Min(order.Confidence, order.Trust switch
        {
            SenderTrust.Authenticated or SenderTrust.User => 1,
            SenderTrust.Stranger => MostConfidenceOfStranger,
            SenderTrust.Claimed => MostConfidenceClaimed,
            SenderTrust.Forwarded => MostConfidenceForwarded,
            SenderTrust.Unproven => MostConfidenceUnproven,
            _ => throw new InvalidOperationException($"There is no trust {order.Trust}."),
        }),
    };

    private static MailExtraction Of(MailTopic kind, ExtractionPath path, IReadOnlyList<ExtractedOrder> orders) =>
        new() { Kind = kind, Path = path, Orders = orders };

    private static MailExtraction Of(
        ModelAnswer answer, MailTopic kind, IReadOnlyList<ExtractedOrder> orders, int dropped, ModelReply reply) =>
        new()
    {
        Kind = kind,
        Orders = orders,
        Path = orders.Count > 0 ? ExtractionPath.Model : ExtractionPath.None,
        Model = reply.Model,
        ModelCalls = reply.Calls,
        UngroundedValues = dropped,
        InvoicePresent = answer.InvoicePresent,
        Failure = reply.Failure,
    };

    private static MailExtraction Join(MailExtraction one, MailExtraction other) => one with
    {
        Kind = one.Orders.Count > 0 ? one.Kind : other.Kind,
        Orders = [.. one.Orders, .. other.Orders],
        Path = one.Path > other.Path ? one.Path : other.Path,
        Model = one.Model ?? other.Model,
        ModelCalls = one.ModelCalls + other.ModelCalls,
        UngroundedValues = one.UngroundedValues + other.UngroundedValues,
        InvoicePresent = one.InvoicePresent || other.InvoicePresent,
        Failure = one.Failure ?? other.Failure,
    };

    private delegate Task<ModelReply> AskModel(string document, CancellationToken cancellationToken);
}
