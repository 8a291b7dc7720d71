-- builds: one row a build of a funnel whose states are settled, with the funnel's name, version and product.
CREATE TEMPORARY TABLE builds
(
    build          String,
    funnel         String,
    funnel_version UInt32,
    product        String
)
ENGINE = Memory;
