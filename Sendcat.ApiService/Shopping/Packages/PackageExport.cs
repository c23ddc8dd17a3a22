using System.Globalization;
using System.Text;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Shopping.Packages;

/// <summary>Packages as CSV (RFC 4180) with a row of totals.</summary>
internal static class PackageExport
{
    /// <summary>Maximum rows of an export. Further packages at the end of the sort order are left out.</summary>
    public const int MaxRows = 10_000;

    private const string LocalFormat = "yyyy-MM-dd'T'HH:mm:sszzz";

    /// <param name="zone">The time zone of the times, which the head and each time name.</param>
    public static string Csv(IReadOnlyList<Package> packages, TimeZoneInfo zone)
    {
        var csv = new StringBuilder();
        Row(csv, "Tracking number", "Merchant", "Description", "Status", "Weight (lb)", "Cost (JMD)", "Location", $"Updated ({zone.Id})");
        foreach (var package in packages)
        {
            Row(
                csv, package.TrackingNumber, package.Merchant, package.Description, PackageStatus.Label(package.Status),
                Number(package.Weight), Number(package.Cost), package.Location ?? "",
                zone.Equals(TimeZoneInfo.Utc)
                    ? UtcTime.Text(package.UpdatedAt)
                    : TimeZoneInfo.ConvertTime(package.UpdatedAt, zone).ToString(LocalFormat, CultureInfo.InvariantCulture));
        }

        Row(
            csv, "Total", "", $"{packages.Count.ToString(CultureInfo.InvariantCulture)} packages", "",
            Number(packages.Sum(package => package.Weight ?? 0)), Number(packages.Sum(package => package.Cost ?? 0)), "", "");
        return csv.ToString();
    }

    private static string Number(decimal? number) => number?.ToString("0.##", CultureInfo.InvariantCulture) ?? "";

    private static void Row(StringBuilder csv, params ReadOnlySpan<string> cells)
    {
        for (var i = 0; i < cells.Length; i++)
        {
            csv.Append(i == 0 ? "" : ",").Append(Cell(cells[i]));
        }

        csv.Append("\r\n");
    }

    /// <summary>
    /// Prefixes a cell that begins like a formula with an apostrophe, so that a spreadsheet does not execute a merchant's name.
    /// </summary>
    private static string Cell(string text)
    {
        text = text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' ? "'" + text : text;
        return text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
