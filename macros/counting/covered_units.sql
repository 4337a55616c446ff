{% macro covered_units(company_links) -%}
    {#- Our units that a partner covers, from a CTE of company links above it: partner_id, rollup, account_scope, unit_id,
        status_rank, open_amount, is_lone. One row per partner, rollup and unit. -#}
    select
        partner_id,
        rollup,
        account_scope,
        our_unit_id as unit_id,
        our_status_rank as status_rank,
        our_open_amount as open_amount,
        is_lone

    from {{ company_links }}
    where is_lone

    union all

    select distinct
        partner_id,
        rollup,
        account_scope,
        our_unit_id as unit_id,
        our_status_rank as status_rank,
        our_open_amount as open_amount,
        is_lone

    from {{ company_links }}
    where not is_lone
{%- endmacro %}
