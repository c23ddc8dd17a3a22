using System.CommandLine;
using Sendcat.Benchmarks.Measure;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Mail.Merchants;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Prices;
using Sendcat.Integrations.Mail.Tracking;
using Sendcat.UnitTests.Mail;
using Spectre.Console;

namespace Sendcat.Benchmarks.MailTexts;

/// <summary>
/// Measures the reading of hostile mails: 1 MiB of each pathological text, as HTML and as plain text, from the bytes of the mail to
/// everything that is searched in it without a model. The baseline is an ordinary text of the same size and type in the same round.
/// </summary>
internal static class MailTextBenchmark
{
    private const double TargetMs = 200;

    public static Command Command()
    {
        var rounds = new Option<int>("--rounds") { Description = "measured rounds over all texts", DefaultValueFactory = _ => 7 };
        var command = new Command(
            "mail-texts", "The reading of 1 MiB of each of many pathological texts: time, and ratio to an ordinary text.")
        {
            rounds,
        };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(rounds), TimeProvider.System));
        return command;
    }

    private static async Task<int> RunAsync(int rounds, TimeProvider clock)
    {
        Report.WarnWhenDebug();
        PathologicalText[] texts = [PathologicalText.Ordinary, .. PathologicalText.All];
        var mails = texts.SelectMany(text => PathologicalText.Types.Select(type => (text.Name, Type: type, Raw: text.Mail(type))))
            .ToArray();
        var times = mails.ToDictionary(mail => (mail.Name, mail.Type), _ => new List<double>());

        // The first two rounds compile.
        for (var round = -2; round < rounds; round++)
        {
            foreach (var mail in mails)
            {
                var began = clock.GetTimestamp();
                Read(mail.Raw);
                if (round >= 0)
                {
                    times[(mail.Name, mail.Type)].Add(clock.GetElapsedTime(began).TotalMilliseconds);
                }
            }
        }

        var figures = mails.Select(mail =>
        {
            var median = Median(times[(mail.Name, mail.Type)]);
            return new MailTextFigures(
                mail.Name, mail.Type, Math.Round(median, 1), Math.Round(times[(mail.Name, mail.Type)].Max(), 1),
                Math.Round(median / Median(times[(PathologicalText.Ordinary.Name, mail.Type)]), 2));
        }).ToArray();
        Write(figures);
        await Report.WriteAsync("mail-texts", new { rounds }, figures, clock);
        return figures.All(text => text.MedianMs <= TargetMs) ? 0 : 1;
    }

    private static void Read(byte[] raw)
    {
        var mail = MailReader.Read(raw);
        foreach (var source in mail.Originals.Append(mail))
        {
            var country = DollarCountry.Of(source.Text, source.SenderDomain, isForwarder: false);
            _ = MarkupOrders.Read(source);
            _ = MerchantParser.Parse(Merchant.Amazon, source, TrackingNumbers.Find(source.Text), country);
            _ = Totals.Find(source.Text, country);
            _ = MailTopics.Of(source.Subject, source.Text, hasKey: true, isBulk: false);
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static void Write(MailTextFigures[] figures)
    {
        var table = new Table { Border = TableBorder.Markdown }.AddColumns("text", "as", "median (ms)", "longest (ms)", "÷ ordinary");
        foreach (var text in figures)
        {
            table.AddRow(text.Text, text.Type, Units.Text(text.MedianMs), Units.Text(text.LongestMs), Units.Text(text.Ratio));
        }

        AnsiConsole.Write(table);
    }
}

/// <summary>The times of a text.</summary>
/// <param name="Text">Its name.</param>
/// <param name="Type">The media type as which it was read.</param>
/// <param name="MedianMs">The median of the rounds (ms).</param>
/// <param name="LongestMs">The longest (ms).</param>
/// <param name="Ratio">The median divided by that of the ordinary text of the same type.</param>
internal sealed record MailTextFigures(string Text, string Type, double MedianMs, double LongestMs, double Ratio);
