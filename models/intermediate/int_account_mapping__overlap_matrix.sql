with

units as (

    select * from {{ ref('int_account_mapping__units') }}

),

unit_links as (

    select * from {{ ref('int_account_mapping__unit_links') }}

),

compared_statuses as (

    select * from {{ ref('int_account_mapping__compared_statuses') }}

),

unit_groups as (

    select * from {{ ref('int_account_mapping__groups') }}
    where grouping_key <> 'duplicates'

),

linked as (

    select
        unit_links.partner_id,
        unit_links.rollup,
        unit_links.our_unit_id,
        unit_links.partner_unit_id,
        our_units.status_rank as our_status_rank,
        our_units.open_amount,
        partner_units.status_rank as partner_status_rank

    from unit_links
    inner join units as our_units
        on
            our_units.side = 'ours'
            and unit_links.account_scope = our_units.scope
            and unit_links.rollup = our_units.rollup
            and unit_links.our_unit_id = our_units.unit_id
    inner join units as partner_units
        on
            partner_units.side = 'partner'
            and unit_links.partner_id = partner_units.scope
            and unit_links.rollup = partner_units.rollup
            and unit_links.partner_unit_id = partner_units.unit_id

),

-- each unit lies in one cell: its own status by the best status that it is linked with
our_cells as (

    select
        partner_id,
        rollup,
        our_unit_id,
        our_status_rank,
        open_amount,
        min(partner_status_rank) as partner_status_rank

    from linked
    group by partner_id, rollup, our_unit_id, our_status_rank, open_amount

),

partner_cells as (

    select
        partner_id,
        rollup,
        partner_unit_id,
        partner_status_rank,
        min(our_status_rank) as our_status_rank

    from linked
    group by partner_id, rollup, partner_unit_id, partner_status_rank

),

company_cells as (

    select
        linked.partner_id,
        linked.rollup,
        unit_groups.group_id,
        min(linked.our_status_rank) as our_status_rank,
        min(linked.partner_status_rank) as partner_status_rank

    from linked
    inner join unit_groups
        on
            linked.partner_id || ' ' || linked.rollup = unit_groups.grouping_key
            and 'o' || linked.our_unit_id = unit_groups.node
    group by linked.partner_id, linked.rollup, unit_groups.group_id

),

-- one table of countable things, so that a cell is one aggregation
counted as (

    select
        partner_id,
        rollup,
        our_status_rank,
        partner_status_rank,
        1 as our_accounts,
        0 as partner_accounts,
        0 as companies,
        open_amount

    from our_cells

    union all

    select
        partner_id,
        rollup,
        our_status_rank,
        partner_status_rank,
        0 as our_accounts,
        1 as partner_accounts,
        0 as companies,
        0 as open_amount

    from partner_cells

    union all

    select
        partner_id,
        rollup,
        our_status_rank,
        partner_status_rank,
        0 as our_accounts,
        0 as partner_accounts,
        1 as companies,
        0 as open_amount

    from company_cells

),

cells as (

    select
        partner_id,
        rollup,
        our_status_rank,
        partner_status_rank,
        sum(our_accounts) as our_accounts,
        sum(partner_accounts) as partner_accounts,
        sum(companies) as companies,
        sum(open_amount) as open_pipeline_amount

    from counted
    group by partner_id, rollup, our_status_rank, partner_status_rank

),

rollups as (

    select 'account' as rollup
    union all
    select 'parent' as rollup

),

dense as (

    select
        our_statuses.partner_id,
        rollups.rollup,
        our_statuses.status_rank as our_status_rank,
        partner_statuses.status_rank as partner_status_rank,
        our_statuses.is_hidden
        or partner_statuses.is_hidden
        or our_statuses.status_rank = 5
        or partner_statuses.status_rank = 5 as is_not_shared

    from compared_statuses as our_statuses
    inner join compared_statuses as partner_statuses
        on
            our_statuses.side = 'ours'
            and partner_statuses.side = 'partner'
            and our_statuses.partner_id = partner_statuses.partner_id
    cross join rollups

),

final as (

    -- a status that one side does not share is never shown as zero
    select
        dense.partner_id,
        dense.rollup,
        {{ account_mapping.status_of_rank('dense.our_status_rank') }} as our_status,
        {{ account_mapping.status_of_rank('dense.partner_status_rank') }} as partner_status,
        {% for measure, type in {
            'our_accounts': 'bigint', 'partner_accounts': 'bigint', 'companies': 'bigint',
            'open_pipeline_amount': 'decimal(28, 2)',
        }.items() -%}
        cast(
            case
                when dense.is_not_shared then nullif(cells.{{ measure }}, 0)
                else coalesce(cells.{{ measure }}, 0)
            end as {{ type }}
        ) as {{ measure }},
        {% endfor -%}
        case
            when dense.is_not_shared then 'not_shared'
            else 'counted'
        end as cell_state

    from dense
    left join cells
        on
            dense.partner_id = cells.partner_id
            and dense.rollup = cells.rollup
            and dense.our_status_rank = cells.our_status_rank
            and dense.partner_status_rank = cells.partner_status_rank

)

select * from final
