using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Text.RegularExpressions;
using Sendcat.Integrations.Extraction;
using Sendcat.Integrations.Mail.Merchants;

namespace Sendcat.UnitTests.Mail;

/// <summary>The first extraction of a process, which compiles the patterns.</summary>
public sealed class ExtractionPatternsTests
{
    [Fact]
    public async Task The_first_extraction_compiles_the_patterns_in_another_thread_than_its_caller()
    {
        // In another copy of the assembly, no static constructor has run yet.
        var copy = new AssemblyLoadContext(nameof(ExtractionPatternsTests)).LoadFromAssemblyPath(typeof(OrderExtraction).Assembly.Location);
        var type = copy.GetType(typeof(OrderExtraction).FullName!, throwOnError: true)!;
        var extraction = RuntimeHelpers.GetUninitializedObject(type);

        var first = (Task)type.GetMethod(nameof(OrderExtraction.ExtractTextAsync))!.Invoke(extraction, ["Hello", CancellationToken.None])!;

        Assert.False(first.IsCompleted);
        await Task.WhenAny(first);
    }

    [Fact]
    public void All_types_with_patterns_are_compiled()
    {
        var holders = typeof(OrderExtraction).Assembly.GetTypes().Where(type => type
            .GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
            .Any(field => field.FieldType == typeof(Regex) || field.FieldType == typeof(Merchant)));

        Assert.Equal(
            holders.Select(type => type.FullName).Order(StringComparer.Ordinal),
            ExtractionPatterns.Holders.Select(type => type.FullName).Order(StringComparer.Ordinal));
    }
}
