using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using Spectre.Console;

namespace Sendcat.Benchmarks.Measure;

/// <summary>Writes the figures of a run to a JSON file under .output/benchmarks/, with a description of the machine.</summary>
internal static class Report
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task WriteAsync(string benchmark, object options, object results, TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        var folder = Path.Combine(Checkout.Root, ".output", "benchmarks");
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{benchmark}-{now:yyyyMMdd'T'HHmmss'Z'}.json"));
        await using (var stream = File.Create(file))
        {
            await JsonSerializer.SerializeAsync(stream, new { benchmark, at = now, machine = Machine(), options, results }, Json);
        }

        AnsiConsole.MarkupLineInterpolated($"[grey]{Path.GetRelativePath(Checkout.Root, file)}[/]");
    }

    public static void WarnWhenDebug()
    {
        if (Checkout.Configuration.Equals("debug", StringComparison.OrdinalIgnoreCase))
        {
            AnsiConsole.MarkupLine("[yellow]This is a debug build, so the figures are not valid. Use -c Release.[/]");
        }
    }

    private static object Machine() => new
    {
        cores = Environment.ProcessorCount,
        processor = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo")
                .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            : null,
        memoryMiB = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024 * 1024),
        system = RuntimeInformation.OSDescription,
        runtime = RuntimeInformation.FrameworkDescription,
        configuration = Checkout.Configuration,
        version = Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion,
    };
}
