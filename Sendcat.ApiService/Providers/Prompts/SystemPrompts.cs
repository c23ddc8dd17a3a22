using System.Text;
using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Providers.Prompts;

/// <summary>The system prompts of a turn. Their texts lie beside this file and are part of the program.</summary>
internal static class SystemPrompts
{
    private static readonly string Persona = Text("persona");
    private static readonly string Standard = Text("standard");
    private static readonly string Reasoning = Text("reasoning");
    private static readonly string Fallback = Text("fallback");

    /// <summary>In the order in which the model reads them: how to ask for tools in text (only models without native tools), the strategy, the persona.</summary>
    /// <param name="tools">What may be called; empty: nothing is said about calling.</param>
    public static IReadOnlyList<string> For(ModelCapability capability, IReadOnlyList<ToolDeclaration> tools)
    {
        var strategy = capability.Reasoning ? Reasoning : Standard;
        return capability.NativeTools || tools.Count == 0 ? [strategy, Persona] : [Calling(tools), strategy, Persona];
    }

    private static string Calling(IReadOnlyList<ToolDeclaration> tools)
    {
        var text = new StringBuilder(Fallback);
        foreach (var tool in tools)
        {
            text.Append("\n\n").Append(tool.Name).Append(": ").Append(tool.Description).Append("\nArguments (JSON Schema): ").Append(tool.ParametersJson);
        }

        return text.ToString();
    }

    private static string Text(string name)
    {
        using var resource = typeof(SystemPrompts).Assembly.GetManifestResourceStream($"Prompts.{name}.md")
            ?? throw new InvalidOperationException($"Prompt {name} is not part of the program");
        using var reader = new StreamReader(resource);
        return reader.ReadToEnd().Trim();
    }
}
