using Sendcat.ApiService.Tools.SearchProducts;

namespace Sendcat.UnitTests.Tools;

public sealed class CategoryNameTests
{
    [Theory]
    [InlineData("Rice Cookers", "rice cookers", false, 100)]
    [InlineData("Rice Cookers", "rice cookers", true, 105)]
    [InlineData("rice", "rice cookers", false, 85)]
    [InlineData("cookers", "rice cookers", true, 75)]
    [InlineData("Cookers, Rice!", "rice cookers", false, 60)]
    [InlineData("electric rice cookers", "rice cookers", true, 45)]
    [InlineData("laptops", "rice cookers", true, 5)]
    public void Similarity_grows_with_the_part_of_the_name_that_the_category_contains(
        string name, string category, bool leaf, int similarity) =>
        Assert.Equal(similarity, CategoryName.Of(name).Similarity(category, leaf));

    [Theory]
    [InlineData("kettles", "3")] // an exact match before a prefix match
    [InlineData("kettle", "3")] // the shortest of the prefix matches
    [InlineData("rice", "4")] // the smaller id of equal names
    [InlineData("laptops", null)]
    public void Nearest_breaks_ties_independently_of_the_order_of_categories(string name, string? id)
    {
        NamedCategory[] tree =
        [
            new("1", "kettles stove top", true), new("3", "kettles", true), new("5", "rice cookers", true), new("4", "rice cookers", true),
            new("2", "electric kettles", true),
        ];

        Assert.Equal(id, CategoryName.Of(name).Nearest(tree));
        Assert.Equal(id, CategoryName.Of(name).Nearest([.. tree.Reverse()]));
    }
}
