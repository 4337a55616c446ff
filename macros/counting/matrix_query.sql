{% macro matrix_query(links, statuses) -%}
    {#- The cells of the overlap matrix as a select, from CTEs that the caller has above it. One place for the matrix
        of today and that of any past day, so that both count alike.

        `links`: partner_id, rollup, our_unit_id, partner_unit_id, our_status_rank, our_open_amount,
        partner_status_rank, company_id, is_lone; the same link may come twice unless is_lone.
        `statuses`: partner_id, side, status_rank, is_hidden. -#}
    with

    -- each unit lies in one cell: its own status by the best status that it is linked with
    our_cells as (

        select
            partner_id,
            rollup,
            our_status_rank,
            our_open_amount,
            min(partner_status_rank) as partner_status_rank

        from {{ links }}
        where not is_lone
        group by partner_id, rollup, our_unit_id, our_status_rank, our_open_amount

    ),

    partner_cells as (

        select
            partner_id,
            rollup,
            partner_status_rank,
            min(our_status_rank) as our_status_rank

        from {{ links }}
        where not is_lone
        group by partner_id, rollup, partner_unit_id, partner_status_rank

    ),

    company_cells as (

        select
            partner_id,
            rollup,
            min(our_status_rank) as our_status_rank,
            min(partner_status_rank) as partner_status_rank

        from {{ links }}
        where not is_lone
        group by partner_id, rollup, company_id

    ),

    -- one table of countable things, so that a cell is one aggregation; a lone link is one of each
    counted as (

        select
            partner_id,
            rollup,
            our_status_rank,
            partner_status_rank,
            1 as our_accounts,
            1 as partner_accounts,
            1 as companies,
            our_open_amount as open_amount

        from {{ links }}
        where is_lone

        union all

        select
            partner_id,
            rollup,
            our_status_rank,
            partner_status_rank,
            1 as our_accounts,
            0 as partner_accounts,
            0 as companies,
            our_open_amount as open_amount

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

        from {{ statuses }} as our_statuses
        inner join {{ statuses }} as partner_statuses
            on
                our_statuses.side = 'ours'
                and partner_statuses.side = 'partner'
                and our_statuses.partner_id = partner_statuses.partner_id
        cross join rollups

    ),

    final as (

        select
            dense.partner_id,
            dense.rollup,
            {{ account_mapping.status_of_rank('dense.our_status_rank') }} as our_status,
            {{ account_mapping.status_of_rank('dense.partner_status_rank') }} as partner_status,
            {{ account_mapping.matrix_measures('cells', 'dense.is_not_shared') | indent(12) }}

        from dense
        left join cells
            on
                dense.partner_id = cells.partner_id
                and dense.rollup = cells.rollup
                and dense.our_status_rank = cells.our_status_rank
                and dense.partner_status_rank = cells.partner_status_rank

    )

    select * from final
{%- endmacro %}
