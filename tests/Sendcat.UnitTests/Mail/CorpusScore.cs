using System.Globalization;
using Sendcat.Integrations.Extraction;

namespace Sendcat.UnitTests.Mail;

/// <summary>Precision and recall of one field over many mails.</summary>
internal sealed class FieldScore(string name)
{
    private int _right;
    private int _wrong;
    private int _missed;

    public List<string> Mistakes { get; } = [];

    public double Precision => _right + _wrong == 0 ? 1 : (double)_right / (_right + _wrong);

    public double Recall => _right + _missed == 0 ? 1 : (double)_right / (_right + _missed);

    public void Add(string mail, IEnumerable<string> expected, IEnumerable<string> actual)
    {
        var missing = expected.ToList();
        foreach (var value in actual)
        {
            if (missing.Remove(value))
            {
                _right++;
            }
            else
            {
                _wrong++;
                Mistakes.Add($"{mail}: {name} {value} is not in the mail");
            }
        }

        _missed += missing.Count;
        Mistakes.AddRange(missing.Select(value => $"{mail}: {name} {value} was not found"));
    }

    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-16} precision {Precision:0.000}  recall {Recall:0.000}  ({_right} right, {_wrong} wrong, {_missed} missed)");
}

/// <summary>The scores of the corpus.</summary>
internal sealed class CorpusScore
{
    public FieldScore Tracking { get; } = new("tracking number");

    public FieldScore OrderNumber { get; } = new("order number");

    public FieldScore Total { get; } = new("total");

    /// <summary>Tracking numbers with the order to which they belong.</summary>
    public FieldScore Parcels { get; } = new("parcel of order");

    public FieldScore Kind { get; } = new("kind");

    public int Mails { get; private set; }

    public int ModelCalls { get; private set; }

    public IEnumerable<FieldScore> Fields => [Tracking, OrderNumber, Total, Parcels, Kind];

    public void Add(CorpusMail mail, MailExtraction actual)
    {
        var expected = mail.Outcome.Orders;
        Tracking.Add(
            mail.Name, expected.SelectMany(order => order.Tracking),
            actual.Orders.SelectMany(order => order.Parcels).Select(parcel => parcel.TrackingNumber.Value));
        OrderNumber.Add(
            mail.Name, expected.Select(order => order.OrderNumber).OfType<string>(),
            actual.Orders.Select(order => order.OrderNumber?.Value).OfType<string>());
        Total.Add(
            mail.Name,
            expected.Where(order => order.Total is not null).Select(order => Money(order.Total!.Value, order.Currency)),
            actual.Orders.Where(order => order.Total is not null)
                .Select(order => Money(order.Total!.Value.Amount, order.Total.Value.Currency)));
        Parcels.Add(
            mail.Name,
            expected.SelectMany(order => order.Tracking.Select(number => $"{order.OrderNumber}/{number}")),
            actual.Orders.SelectMany(order => order.Parcels.Select(parcel => $"{order.OrderNumber?.Value}/{parcel.TrackingNumber.Value}")));
        Kind.Add(mail.Name, [mail.Outcome.Kind], [actual.Kind.ToString().ToLowerInvariant()]);
        Mails++;
        ModelCalls += actual.ModelCalls;
    }

    private static string Money(decimal amount, string? currency) =>
        string.Create(CultureInfo.InvariantCulture, $"{amount:0.00} {currency ?? "?"}");
}
