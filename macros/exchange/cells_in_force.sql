{% macro cells_in_force() -%}
    {#- CTEs that end with `cells_in_force`: of a table of kept matrices, the cells that leave today. Both what is shared and
        what would be read it, so that a preview cannot say otherwise.

        The caller has above it, as CTEs: partners, agreements_in_force (of direction `out`, not hidden) and frozen_counts. -#}
    -- a former version counted connected groups, and kept lists without a rollup
    former_epochs as (

        select distinct
            partner_id,
            agreement_id,
            epoch

        from frozen_counts
        where
            side is not null
            and rollup is null

    ),

    frozen_cells as (

        select frozen_counts.*
        from frozen_counts
        left join former_epochs
            on
                frozen_counts.partner_id = former_epochs.partner_id
                and frozen_counts.agreement_id = former_epochs.agreement_id
                and frozen_counts.epoch = former_epochs.epoch
        where
            frozen_counts.side is null
            and former_epochs.partner_id is null

    ),

    cells_in_force as (

        -- a cell leaves as it was frozen, and only as long as both sides still agree to at least that much
        select
            frozen_cells.partner_id,
            frozen_cells.agreement_id,
            frozen_cells.epoch,
            frozen_cells.rollup,
            frozen_cells.our_status,
            frozen_cells.partner_status,
            frozen_cells.companies,
            frozen_cells.cell_state

        from frozen_cells
        inner join partners
            on
                frozen_cells.partner_id = partners.partner_id
                and frozen_cells.agreement_id = coalesce(partners.agreement_id, '')
                and frozen_cells.epoch = coalesce(partners.epoch, '')
        inner join agreements_in_force
            on
                frozen_cells.partner_id = agreements_in_force.partner_id
                and frozen_cells.our_status = agreements_in_force.our_status
                and frozen_cells.partner_status = agreements_in_force.partner_status
                and frozen_cells.minimum_count >= agreements_in_force.minimum_count

    )
{%- endmacro %}
