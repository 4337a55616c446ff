{#- What account_mapping__shared_counts will hold once the next matrix is kept, before it is: in a normal build it runs
    after that, and in a preview nothing is kept. -#}
-- depends_on: {{ ref('int_account_mapping__frozen_counts') }}
{%- set frozen_counts = load_relation(ref('int_account_mapping__frozen_counts')) if execute else none -%}
{%- set columns = [
    'partner_id', 'agreement_id', 'epoch', 'rollup', 'our_status', 'partner_status', 'companies', 'cell_state',
    'minimum_count', 'side',
] -%}
{{ config(materialized='view') }}

with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

agreements_in_force as (

    select * from {{ ref('int_account_mapping__agreements_in_force') }}
    where
        direction = 'out'
        and sharing_level <> 'hidden'

),

next_counts as (

    {{ account_mapping.next_counts(frozen_counts) | indent(4) }}

),

{% if frozen_counts -%}
frozen_counts as (

    select {{ columns | join(', ') }} from {{ frozen_counts }}
    union all
    select {{ columns | join(', ') }} from next_counts

),
{% else -%}
frozen_counts as (

    select * from next_counts

),
{% endif %}

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

final as (

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

select * from final
