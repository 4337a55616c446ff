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

frozen_counts as (

    select * from {{ ref('int_account_mapping__frozen_counts') }}

),

{{ account_mapping.cells_in_force() }}

select * from cells_in_force
order by partner_id, rollup, our_status, partner_status
