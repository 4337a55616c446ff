{{ config(materialized='view') }}
with

unit_links as (

    select * from {{ ref('int_account_mapping__unit_links') }}

),

unit_groups as (

    select * from {{ ref('int_account_mapping__groups') }}
    where grouping_key not in ('duplicates', 'families', 'companies', 'company_families')

),

final as (

    select
        unit_links.*,
        coalesce(unit_groups.group_id, 'o' || unit_links.our_unit_id) as company_id,
        unit_groups.group_id is null as is_lone

    from unit_links
    left join unit_groups
        on
            unit_links.partner_id || ' ' || unit_links.rollup = unit_groups.grouping_key
            and 'o' || unit_links.our_unit_id = unit_groups.node

)

select * from final
