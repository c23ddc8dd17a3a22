using System.Globalization;
using System.Text;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Ops;

/// <summary>
/// Reads a feed as CSV (RFC 4180, UTF-8). The first row names the columns as the JSON does, in any order and case; blanks and underscores
/// in names are ignored, and so are columns of other names.
/// </summary>
internal static class PackageCsv
{
    private static readonly string[] Required = ["trackingnumber", "status"];

    /// <param name="maxBytes">The most bytes of the body.</param>
    public static async ValueTask<Outcome<ReportedPackages>> ReadAsync(HttpContext http, int maxBytes, CancellationToken cancellationToken)
    {
        if (http.Request.ContentLength > maxBytes)
        {
            return ApiError.PayloadTooLarge(maxBytes);
        }

        var reader = http.Request.BodyReader;
        while (true)
        {
            var read = await JsonBody.ReadAsync(http, reader, cancellationToken);
            if (read.Buffer.Length > maxBytes)
            {
                reader.AdvanceTo(read.Buffer.End);
                return ApiError.PayloadTooLarge(maxBytes);
            }

            if (read.IsCompleted)
            {
                var text = Encoding.UTF8.GetString(read.Buffer);
                reader.AdvanceTo(read.Buffer.End);
                return Parse(text);
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    public static Outcome<ReportedPackages> Parse(string text)
    {
        using var rows = Rows(text.TrimStart('\uFEFF')).GetEnumerator();
        if (!rows.MoveNext())
        {
            return ApiError.InvalidRequest("The CSV is empty");
        }

        if (rows.Current is not { } head)
        {
            return Unclosed();
        }

        var names = head.ConvertAll(name => string.Concat(name.Where(char.IsAsciiLetter)).ToLowerInvariant());
        if (Required.FirstOrDefault(name => !names.Contains(name)) is not null)
        {
            return ApiError.InvalidRequest("The first row of the CSV must name the columns, trackingNumber and status among them");
        }

        var packages = new List<ReportedPackage>();
        while (rows.MoveNext())
        {
            if (packages.Count == ReportedPackages.MaxRows)
            {
                return ApiError.InvalidRequest($"A feed may have {ReportedPackages.MaxRows} packages");
            }

            if (rows.Current is not { } row)
            {
                return Unclosed();
            }

            packages.Add(Package(names, row));
        }

        return packages.Count == 0 ? ApiError.InvalidRequest("The CSV has no packages") : new ReportedPackages(packages);
    }

    /// <summary>The rows behind an open quote would be one cell of one package, and lost.</summary>
    private static ApiError Unclosed() => ApiError.InvalidRequest("The CSV ends inside a quoted cell");

    private static ReportedPackage Package(List<string> names, List<string> cells)
    {
        return new(
            Cell("trackingnumber"), Cell("status"), Cell("updatedat"), Number("weight"), Number("cost"), Cell("location"), Cell("merchant"),
            Cell("description"));

        string? Cell(string name) => names.IndexOf(name) is >= 0 and var at && at < cells.Count && cells[at].Length > 0 ? cells[at] : null;

        // A cell that is no number is out of range, so that its row is rejected.
        decimal? Number(string name) =>
            Cell(name) is not { } cell
                ? null
                : decimal.TryParse(cell, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number : -1;
    }

    /// <summary>
    /// The rows with their cells, without blank rows. A quoted cell may contain commas, line ends and doubled quotes. Null: the text ends
    /// inside a quoted cell.
    /// </summary>
    private static IEnumerable<List<string>?> Rows(string text)
    {
        var (row, cell, quoted) = (new List<string>(), new StringBuilder(), false);
        for (var at = 0; at <= text.Length; at++)
        {
            var letter = at < text.Length ? text[at] : '\n';
            if (quoted && at == text.Length)
            {
                yield return null;
            }
            else if (quoted)
            {
                if (letter != '"')
                {
                    cell.Append(letter);
                }
                else if (at + 1 < text.Length && text[at + 1] == '"')
                {
                    cell.Append('"');
                    at++;
                }
                else
                {
                    quoted = false;
                }
            }
            else if (letter == '"' && cell.Length == 0)
            {
                quoted = true;
            }
            else if (letter is ',' or '\n')
            {
                row.Add(cell.ToString().Trim());
                cell.Clear();
                if (letter == '\n')
                {
                    if (row.Any(value => value.Length > 0))
                    {
                        yield return row;
                    }

                    row = [];
                }
            }
            else
            {
                cell.Append(letter);
            }
        }
    }
}
