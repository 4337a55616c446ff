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

{{ account_mapping.cells_in_force() }}

select * from cells_in_force
